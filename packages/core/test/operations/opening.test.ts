import { describe, expect, test } from "vitest";
import { hashSecret } from "../../src/domain/tokens.ts";
import { dump, refused, registries, rows } from "./harness.ts";

const make = registries();

describe("opening the first version of a name", () => {
  test("makes package, owner and pending version, and says where the archive goes", async () => {
    const t = await make();
    const ada = await t.user("ada");
    const open = await t.registry.releases.create(ada, { package: "fc-api", version: "1.0.0", description: "An API" });
    expect(open).toEqual({
      uploadId: expect.stringMatching(/^[\w-]{32}$/),
      uploadPath: `/upload/${open.uploadId}`,
      uploadExpiresAt: "2025-01-16T12:00:00.000Z",
      release: expect.objectContaining({
        ...{ package: "fc-api", version: "1.0.0", type: "project", edition: "3.0.0", description: "An API" },
        ...{
          createdAt: "2025-01-15T12:00:00.000Z",
          publishedAt: null,
          sha256: null,
          size: null,
          yanked: false,
          rollout: 1,
        },
        zipball: open.uploadPath,
      }),
    });
    expect(await rows(t, "select name, name_key, type, visibility, latest_version_id from Packages")).toEqual([
      { name: "fc-api", name_key: "fcapl", type: "project", visibility: "public", latest_version_id: null },
    ]);
    expect(await rows(t, "select version, status, sha256 from Versions")).toEqual([
      { version: "1.0.0", status: "pending", sha256: null },
    ]);
    expect(await rows(t, "select * from PackageMaintainers")).toEqual([{ package_id: 1, user_id: 1, role: "owner" }]);
    expect(
      await rows(t, "select id_hash, version_id, user_id, expires_at, completed_sha256, closed from Uploads"),
    ).toEqual([
      {
        ...{ id_hash: hashSecret(open.uploadId), version_id: 1, user_id: 1, expires_at: "2025-01-16 12:00:00.000" },
        ...{ completed_sha256: null, closed: 0 },
      },
    ]);
  });

  test("shows nothing to anybody before the archive has come", async () => {
    const t = await make();
    const ada = await t.user("ada");
    await t.registry.releases.create(ada, { package: "fc-api", version: "1.0.0", tags: ["t"], providers: ["p"] });
    const input = { package: "fc-api", version: "1.0.0" };
    await refused(t.registry.releases.list(ada, input), "package_not_found");
    await refused(t.registry.releases.latest(ada, input), "package_not_found");
    await refused(t.registry.releases.get(ada, input), "version_not_found");
    await refused(t.registry.downloads.locate(ada, input), "version_not_found");
    expect(await t.registry.search.packages(ada, { text: "fc-api" })).toEqual([]);
    expect(await t.registry.catalog.tags(ada)).toEqual([]);
    expect(await t.registry.packages.changelog(ada, input)).toEqual([]);
  });

  test("takes type, edition and all else as named", async () => {
    const t = await make();
    const ada = await t.user("ada");
    const { release } = await t.registry.releases.create(ada, {
      ...{ package: "fc", version: "1.0.0-rc.1+7", type: "plugin", edition: "2.0.0", rollout: 0.25, readme: "# FC" },
      ...{ home: "https://example.com", providers: "Aliyun", tags: ["a", "b"], services: { service_name: "fc" } },
      ...{ commands: [{ command_name: "deploy", description: "does" }], properties: { region: { type: "string" } } },
    });
    expect(release).toMatchObject({
      ...{ version: "1.0.0-rc.1+7", type: "plugin", edition: "2.0.0", rollout: 0.25, readme: "# FC" },
      ...{ home: "https://example.com", providers: ["Aliyun"], tags: ["a", "b"], services: { fc: null } },
      ...{ commands: { deploy: "does" }, properties: { region: { type: "string" } } },
    });
  });
});

describe("opening a version is refused", () => {
  const good = { package: "fc", version: "1.0.0" };

  test.each([
    [{ package: "f c" }, "name"],
    [{ package: "" }, "name"],
    [{ package: "search" }, "name"],
    [{ package: "__proto__" }, "name"],
    [{ package: "x".repeat(65) }, "name"],
    [{ version: "" }, "version"],
    [{ version: "v1.0.0" }, "version"],
    [{ version: "1.0" }, "version"],
    [{ type: "library" }, "type"],
    [{ type: null }, "type"],
    [{ description: 7 }, "description"],
    [{ description: "x".repeat(1001) }, "description"],
    [{ readme: "函".repeat(180_000) }, "readme"],
    [{ readme: 7 }, "readme"],
    [{ changelog: "x".repeat(524_289) }, "changelog"],
    [{ edition: "12345678901" }, "edition"],
    [{ home: "javascript:alert(1)" }, "home"],
    [{ providers: [""] }, "provider"],
    [{ providers: [7] }, "provider"],
    [{ tags: ["x".repeat(51)] }, "tags"],
    [{ tags: { a: 1 } }, "tags"],
    [{ services: "fc" }, "service"],
    [{ commands: { ["x".repeat(51)]: "" } }, "command"],
    [{ properties: [] }, "properties"],
    [{ dependencies: [] }, "dependencies"],
  ])("for %j, naming %s", async (wrong, field) => {
    const t = await make({ database: ":memory:" });
    const ada = await t.user("ada");
    const before = await dump(t);
    await refused(t.registry.releases.create(ada, { ...good, ...wrong }), "invalid_package", {
      [field]: expect.any(String),
    });
    expect(await dump(t)).toEqual(before);
  });

  test.each([-0.1, 1.1, Number.NaN, "1", null])("for a rollout of %j", async (rollout) => {
    const t = await make({ database: ":memory:" });
    const ada = await t.user("ada");
    await refused(t.registry.releases.create(ada, { ...good, rollout }), "invalid_rollout");
    expect(await rows(t, "select id from Packages")).toEqual([]);
  });

  test("for names that people mistake for a known one, whoever asks", async () => {
    const t = await make();
    const ada = await t.user("ada");
    const bob = await t.user("bob");
    await t.registry.releases.create(ada, { package: "fc-oil", version: "1.0.0" });
    const before = await dump(t);
    for (const name of ["FC-OIL", "fcoil", "fc_oil", "fc.oil", "fc-0il", "fc-o1l", "fc-oiI", "fc-o.l-L"]) {
      await refused(t.registry.releases.create(bob, { package: name, version: "1.0.0" }), "name_taken");
      await refused(t.registry.releases.create(ada, { package: name, version: "1.0.0" }), "name_taken");
    }
    expect(await dump(t)).toEqual(before);
    await t.registry.releases.create(bob, { package: "fc-oils", version: "1.0.0" });
  });

  test("for all but one of many who claim a name at the same moment", async () => {
    const t = await make();
    const users = await Promise.all(["ada", "bob", "eve", "joe"].map((name) => t.user(name)));
    const spellings = ["fc-api", "FC_API", "fc.api", "fcapi"];
    const outcomes = await Promise.allSettled(
      users.map((user, at) => t.registry.releases.create(user, { package: spellings[at] ?? "", version: "1.0.0" })),
    );
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const one of outcomes) if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "name_taken" });
    expect(await rows(t, "select role from PackageMaintainers")).toEqual([{ role: "owner" }]);
  });

  test("for users without a role in the package", async () => {
    const t = await make();
    const ada = await t.user("ada");
    const bob = await t.user("bob");
    await t.registry.releases.create(ada, good);
    const before = await dump(t);
    await refused(t.registry.releases.create(bob, { ...good, version: "2.0.0" }), "release_forbidden");
    await refused(
      t.registry.releases.create(await t.admin("root"), { ...good, version: "2.0.0" }),
      "release_forbidden",
    );
    expect({ ...(await dump(t)), Users: 0, Tokens: 0, AuditLogs: 0, sqlite_sequence: 0 }).toEqual({
      ...before,
      ...{ Users: 0, Tokens: 0, AuditLogs: 0, sqlite_sequence: 0 },
    });
  });

  test("for another type than the package's; without a type it is the package's", async () => {
    const t = await make();
    const ada = await t.user("ada");
    await t.publish(ada, { ...good, type: "component" });
    await refused(t.registry.releases.create(ada, { ...good, version: "2.0.0", type: "plugin" }), "type_conflict");
    await refused(t.registry.releases.create(ada, { ...good, version: "2.0.0", type: "project" }), "type_conflict");
    expect((await t.registry.releases.create(ada, { ...good, version: "2.0.0" })).release.type).toBe("component");
    expect(await rows(t, "select version from Versions")).toEqual([{ version: "1.0.0" }, { version: "2.0.0" }]);
  });
});
