import { describe, expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { digestOf } from "../../src/testing/blobs.ts";
import type { TestRegistry } from "../../src/testing/registry.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, digests, dump, refused, registries, rows } from "./harness.ts";

const make = registries();
const fc = { package: "fc", version: "1.0.0" };
const yaml = `Type: Component
Name: fc
Version: 1.0.0
Provider: [Aliyun]
Description: From publish.yaml
HomePage: https://fc.example
Tags: [web, api]
Service: {fc: {Description: d}}
Commands: {deploy: does}
Properties: {region: {Type: string}}
Effective: Public
`;

/** Publishes in one call and gives the answer. */
async function put(
  t: TestRegistry,
  actor: Awaited<ReturnType<TestRegistry["user"]>>,
  publishYaml: string,
  target = fc,
) {
  const bytes = await zipOf({ "publish.yaml": publishYaml, "readme.md": "# FC", "version.md": "first" });
  return t.registry.releases.publish(actor, { ...target, body: bodyOf(bytes), expectedSize: bytes.length });
}

describe("publishing in one call", () => {
  test("makes everything from the archive, at once", async () => {
    const t = await make();
    const ada = await t.user("ada");
    const release = await put(t, ada, yaml);
    expect(release).toMatchObject({
      ...{ ...fc, type: "component", description: "From publish.yaml", home: "https://fc.example", readme: "# FC" },
      ...{
        providers: ["Aliyun"],
        tags: ["web", "api"],
        commands: { deploy: "does" },
        properties: { region: { Type: "string" } },
      },
      ...{ publishedAt: "2025-01-15T12:00:00.000Z", yanked: false, rollout: 1, edition: "3.0.0" },
    });
    expect(await t.registry.releases.latest(anonymous, fc)).toEqual(release);
    expect(await rows(t, "select role from PackageMaintainers")).toEqual([{ role: "owner" }]);
    expect(await rows(t, "select id_hash from Uploads")).toEqual([]);
    expect(await t.registry.packages.changelog(ada, fc)).toMatchObject([{ changelog: "first" }]);
    expect(await digests(t.storage)).toEqual([release.sha256]);
    expect(await rows(t, "select action from AuditLogs where package_id is not null")).toEqual([
      { action: "release.publish" },
    ]);
  });

  test("works without a publish.yaml, and closes what was open", async () => {
    const t = await make();
    const ada = await t.user("ada");
    const { uploadId } = await t.registry.releases.create(ada, { ...fc, description: "opened" });
    const bytes = await zipOf({ "index.js": "1" });
    expect(await t.registry.releases.publish(ada, { ...fc, body: bodyOf(bytes) })).toMatchObject({
      type: "project",
      description: "",
    });
    await refused(t.registry.uploads.receive(ada, { uploadId, body: bodyOf(bytes) }), "invalid_upload");
  });

  test("succeeds again with the same bytes and changes nothing; other bytes are refused", async () => {
    const t = await make();
    const ada = await t.user("ada");
    const first = await put(t, ada, yaml);
    const before = await dump(t);
    expect(await put(t, ada, yaml)).toEqual(first);
    await refused(put(t, ada, `${yaml}# other\n`), "version_exists");
    expect(await dump(t)).toEqual(before);
    await t.registry.releases.remove(ada, fc);
    await refused(put(t, ada, yaml), "version_exists");
  });

  test("eight times at once with different bytes lets one through", async () => {
    const t = await make();
    const ada = await t.user("ada");
    const archives = await Promise.all(Array.from({ length: 8 }, (_, at) => zipOf({ a: `${at}` })));
    const outcomes = await Promise.allSettled(
      archives.map((bytes) => t.registry.releases.publish(ada, { ...fc, body: bodyOf(bytes) })),
    );
    const winners = outcomes.flatMap((one, at) => (one.status === "fulfilled" ? [at] : []));
    expect(winners).toHaveLength(1);
    for (const one of outcomes)
      if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "version_exists" });
    expect((await t.registry.releases.get(ada, fc)).sha256).toBe(digestOf(archives[winners[0] ?? 0] ?? Buffer.of()));
  });

  test.each([
    ["names another package", yaml.replace("Name: fc", "Name: oss"), "invalid_package"],
    ["names another version", yaml.replace("1.0.0", "1.0.1"), "invalid_package"],
    ["is of no known type", yaml.replace("Component", "Library"), "invalid_package"],
    ["has a home page that is none", yaml.replace("https://", "javascript:"), "invalid_package"],
    ["is no YAML", "Name: [", "invalid_archive"],
  ] as const)("is refused when the publish.yaml %s; nothing stays", async (_, text, code) => {
    const t = await make();
    const ada = await t.user("ada");
    const before = await dump(t);
    await refused(put(t, ada, text), code);
    expect(await dump(t)).toEqual(before);
    expect(await digests(t.storage)).toEqual([]);
    expect(await t.storage.sweepStaged(-1)).toBe(0);
  });

  test("is refused for names, versions and packages that are not the actor's before the bytes are read", async () => {
    const t = await make();
    const ada = await t.user("ada");
    const bob = await t.user("bob");
    await put(t, ada, yaml);
    const body = bodyOf(await zipOf({ a: "b" }));
    await refused(t.registry.releases.publish(bob, { package: "fc", version: "2.0.0", body }), "release_forbidden");
    await refused(t.registry.releases.publish(ada, { package: "search", version: "2.0.0", body }), "invalid_package");
    await refused(t.registry.releases.publish(ada, { package: "fc", version: "v2.0.0", body }), "invalid_package");
    expect(body.readableDidRead).toBe(false);
    await refused(t.registry.releases.publish(bob, { package: "FC", version: "2.0.0", body }), "name_taken");
  });
});

describe("who may see what publish.yaml puts out", () => {
  const visibility = async (t: TestRegistry) =>
    (await rows<{ visibility: string }>(t, "select visibility from Packages"))[0]?.visibility;

  test.each([
    ["Effective: Public", "public"],
    ["Effective: public", "public"],
    ["", "public"],
    ["Effective: Private", "private"],
    ["Effective: Organization", "private"],
    ["Effective: everybody", "private"],
    ["Effective: ''", "private"],
  ])("%j makes a new package %s", async (line, expected) => {
    const t = await make();
    const ada = await t.user("ada");
    await put(t, ada, `${yaml.replace(/Effective.*\n/, "")}${line}\n`);
    expect(await visibility(t)).toBe(expected);
    if (expected === "private") await refused(t.registry.releases.latest(anonymous, fc), "package_not_found");
    else await t.registry.releases.latest(anonymous, fc);
  });

  test("never opens a private package, and never shows in public what should be private", async () => {
    const t = await make();
    const ada = await t.user("ada");
    const next = { package: "fc", version: "1.1.0" };
    await put(t, ada, yaml.replace("Public", "Private"));
    await put(t, ada, yaml.replace("1.0.0", "1.1.0"), next);
    expect(await visibility(t)).toBe("private");
    await t.registry.packages.update(ada, { package: "fc", visibility: "public" });
    const secret = yaml.replace("1.0.0", "1.2.0").replace("Public", "Private");
    await refused(put(t, ada, secret, { package: "fc", version: "1.2.0" }), "invalid_package", {
      visibility: expect.any(String),
    });
    expect(await rows(t, "select version from Versions where version = '1.2.0'")).toEqual([]);
  });
});
