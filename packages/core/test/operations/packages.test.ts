import { describe, expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { dump, refused, registries, rows } from "./harness.ts";

const make = registries();
const fc = { package: "fc" };

async function start() {
  const t = await make();
  const ada = await t.user("ada");
  await t.publish(ada, { ...fc, version: "1.0.0", description: "first", home: "https://one.example" });
  await t.publish(ada, { ...fc, version: "1.1.0", description: "second" });
  return { t, ada, ...t.registry };
}

describe("an update of a package", () => {
  test("changes the package and its latest version, and leaves the others as they were", async () => {
    const { t, ada, packages, releases, search } = await start();
    t.clock.advance(5000);
    const info = await packages.update(ada, { ...fc, description: "Gateway", home: "https://two.example" });
    expect(info).toEqual({
      ...{ name: "fc", type: "project", description: "Gateway", home: "https://two.example" },
      ...{ visibility: "public", deprecation: null },
    });
    expect(await releases.latest(anonymous, fc)).toMatchObject({
      version: "1.1.0",
      description: "Gateway",
      home: "https://two.example",
    });
    expect(await releases.get(anonymous, { ...fc, version: "1.0.0" })).toMatchObject({
      description: "first",
      home: "https://one.example",
    });
    expect(await search.packages(anonymous, { text: "gateway" })).toMatchObject([
      { package: "fc", description: "Gateway" },
    ]);
    expect(await search.packages(anonymous, { text: "second" })).toEqual([]);
    expect(await rows(t, "select description, home, update_time from Packages")).toEqual([
      { description: "Gateway", home: "https://two.example", update_time: "2025-01-15 12:00:05.000" },
    ]);
  });

  test("changes only what is named; empty text is a text", async () => {
    const { ada, packages, releases } = await start();
    await packages.update(ada, { ...fc, home: "https://two.example" });
    await packages.update(ada, { ...fc, description: "" });
    expect(await releases.latest(anonymous, fc)).toMatchObject({ description: "", home: "https://two.example" });
    expect(await packages.update(ada, { ...fc, home: "" })).toMatchObject({ description: "", home: "" });
  });

  test("works where no version is visible yet", async () => {
    const { t, ada, packages } = await start();
    await t.registry.releases.create(ada, { package: "oss", version: "1.0.0" });
    expect(await packages.update(ada, { package: "oss", description: "d" })).toMatchObject({ description: "d" });
    expect(await t.registry.search.packages(ada, { text: "oss" })).toEqual([]);
  });

  test.each([
    [{}, "invalid_update"],
    [{ description: undefined }, "invalid_update"],
    [{ visibility: "secret" }, "invalid_update"],
    [{ visibility: null }, "invalid_update"],
    [{ description: "x".repeat(1001) }, "invalid_package"],
    [{ description: null }, "invalid_package"],
    [{ home: "ftp://x" }, "invalid_package"],
  ] as const)("refuses %o and changes nothing", async (input, code) => {
    const { t, ada, packages } = await start();
    const before = await dump(t);
    await refused(packages.update(ada, { ...fc, ...input }), code);
    await refused(packages.update(ada, { ...fc, description: "good", ...input, home: "bad" }), "invalid_package");
    expect(await dump(t)).toEqual(before);
  });

  test("of the visibility shows at once, to everybody", async () => {
    const { t, ada, packages, releases, search, catalog, downloads } = await start();
    await t.publish(ada, { ...fc, version: "1.2.0", tags: ["gateway"] });
    await packages.update(ada, { ...fc, visibility: "private" });
    await refused(releases.latest(anonymous, fc), "package_not_found");
    await refused(downloads.locate(anonymous, { ...fc, version: "1.0.0" }), "version_not_found");
    expect(await search.packages(anonymous, { text: "fc" })).toEqual([]);
    expect(await catalog.tags(anonymous)).toEqual([]);
    expect((await releases.latest(ada, fc)).zipball).toMatch(/^\/fc\/zipball\/1\.2\.0\?expires=\d+&signature=/);
    await packages.update(ada, { ...fc, visibility: "public" });
    expect((await releases.latest(anonymous, fc)).zipball).toBe("/fc/zipball/1.2.0");
    expect(await catalog.tags(anonymous)).toEqual([{ name: "gateway", packages: 1 }]);
  });
});

describe("a deprecation", () => {
  test("shows with every version and in search until it is taken back", async () => {
    const { t, ada, packages, releases, search } = await start();
    await packages.deprecate(ada, { ...fc, reason: "use fc3" });
    expect(await releases.latest(anonymous, fc)).toMatchObject({ deprecation: "use fc3" });
    expect(await releases.get(anonymous, { ...fc, version: "1.0.0" })).toMatchObject({ deprecation: "use fc3" });
    expect(await search.packages(anonymous, { text: "fc" })).toMatchObject([{ deprecation: "use fc3" }]);
    expect(await rows(t, "select is_deprecated, deprecation from Packages")).toEqual([
      { is_deprecated: 1, deprecation: "use fc3" },
    ]);
    await packages.deprecate(ada, fc);
    expect(await releases.latest(anonymous, fc)).toMatchObject({ deprecation: "This package is deprecated" });
    await packages.undeprecate(ada, fc);
    expect(await releases.latest(anonymous, fc)).toMatchObject({ deprecation: null });
    expect(await rows(t, "select is_deprecated, deprecation from Packages")).toEqual([
      { is_deprecated: 0, deprecation: null },
    ]);
    await refused(packages.deprecate(ada, { ...fc, reason: "x".repeat(1001) }), "invalid_request");
  });

  test("outlives later publishes", async () => {
    const { t, ada, packages, releases } = await start();
    await packages.deprecate(ada, fc);
    await t.publish(ada, { ...fc, version: "2.0.0" });
    expect(await releases.latest(anonymous, fc)).toMatchObject({
      version: "2.0.0",
      deprecation: "This package is deprecated",
    });
  });
});

test("providers and tags count public packages with a latest version, by name", async () => {
  const { t, ada, catalog } = await start();
  await t.publish(ada, { package: "aa", version: "1.0.0", tags: ["web", "cli"], providers: ["Aliyun"] });
  await t.publish(ada, { package: "bb", version: "1.0.0", tags: ["web"], providers: ["Aliyun", "AWS"] });
  await t.publish(ada, { package: "cc", version: "1.0.0", tags: ["gone"] });
  await t.registry.releases.yank(ada, { package: "cc", version: "1.0.0" });
  expect(await catalog.tags(anonymous)).toEqual([
    { name: "cli", packages: 1 },
    { name: "web", packages: 2 },
  ]);
  expect(await catalog.providers(ada)).toEqual([
    { name: "AWS", packages: 1 },
    { name: "Aliyun", packages: 2 },
  ]);
});
