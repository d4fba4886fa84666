import { describe, expect, test } from "vitest";
import type { TestRegistry } from "../../src/testing/registry.ts";
import { bodyOf, refused, registries, rows } from "./harness.ts";

const make = registries();

/** The package's own sets, as the documented tables hold them. */
async function sets(t: TestRegistry): Promise<Record<string, unknown[]>> {
  const column = async (question: string) => (await rows<{ item: unknown }>(t, question)).map(({ item }) => item);
  return {
    providers: await column(
      "select name as item from Providers n join PackageProviders l on l.provider_id = n.id order by 1",
    ),
    tags: await column("select name as item from Tags n join PackageTags l on l.tag_id = n.id order by 1"),
    services: await column("select service_name || '=' || permissions as item from Services order by 1"),
    commands: await column("select command_name || '=' || description as item from Commands order by 1"),
    properties: await column("select property_name || '=' || property_value as item from Properties order by 1"),
    dependencies: await column("select version_constraint as item from Dependencies order by 1"),
  };
}

const full = {
  ...{
    providers: ["Aliyun", "AWS"],
    tags: ["web"],
    services: { fc: { actions: ["fc:*"] } },
    commands: { deploy: "does" },
  },
  ...{ properties: { region: "cn" }, dependencies: { base: "^1.0.0" } },
};
const stored = {
  ...{
    providers: ["AWS", "Aliyun"],
    tags: ["web"],
    services: ['fc={"actions":["fc:*"]}'],
    commands: ['deploy="does"'],
  },
  ...{ properties: ['region="cn"'], dependencies: ["^1.0.0"] },
};

async function start(): Promise<{ t: TestRegistry; ada: Awaited<ReturnType<TestRegistry["user"]>> }> {
  const t = await make();
  const ada = await t.user("ada");
  await t.publish(ada, { package: "base", version: "1.0.0" });
  return { t, ada };
}

describe("what a package says as a whole", () => {
  test("is what its first version names, from the moment it is active", async () => {
    const { t, ada } = await start();
    await t.registry.releases.create(ada, {
      package: "fc",
      version: "1.0.0",
      ...full,
      description: "D",
      home: "https://a.example",
    });
    const nothing = { providers: [], tags: [], services: [], commands: [], properties: [], dependencies: [] };
    expect(await sets(t)).toEqual(nothing);
    await t.publish(ada, { package: "fc", version: "1.0.0", ...full, description: "D", home: "https://a.example" });
    expect(await sets(t)).toEqual(stored);
    expect(await rows(t, "select description, home from Packages where name = 'fc'")).toEqual([
      { description: "D", home: "https://a.example" },
    ]);
    expect(await t.registry.packages.dependencies(ada, { package: "fc" })).toEqual([
      { package: "base", range: "^1.0.0" },
    ]);
    expect(await t.registry.packages.dependents(ada, { package: "base" })).toEqual([
      { package: "fc", range: "^1.0.0" },
    ]);
  });

  test("is replaced set by set by a later version that names a set, left by one that does not", async () => {
    const { t, ada } = await start();
    await t.publish(ada, { package: "fc", version: "1.0.0", ...full, description: "D" });
    await t.publish(ada, { package: "fc", version: "1.1.0" });
    expect(await sets(t)).toEqual(stored);
    await t.publish(ada, { package: "fc", version: "1.2.0", tags: ["cli", "web"], services: {} });
    expect(await sets(t)).toEqual({ ...stored, tags: ["cli", "web"], services: [] });
    await t.publish(ada, {
      package: "fc",
      version: "1.3.0",
      dependencies: {},
      providers: [],
      commands: {},
      properties: {},
    });
    expect(await sets(t)).toEqual({
      ...{ providers: [], tags: ["cli", "web"], services: [], commands: [], properties: [], dependencies: [] },
    });
    expect(await rows(t, "select description from Packages where name = 'fc'")).toEqual([{ description: "D" }]);
  });

  test("is left by a backport and by a pre-release beside a stable version", async () => {
    const { t, ada } = await start();
    await t.publish(ada, { package: "fc", version: "2.0.0", ...full, description: "D" });
    const others = { tags: ["old"], providers: ["Old"], services: {}, commands: {}, properties: {}, dependencies: {} };
    await t.publish(ada, {
      package: "fc",
      version: "1.9.9",
      ...others,
      description: "old",
      home: "https://old.example",
    });
    await t.publish(ada, { package: "fc", version: "3.0.0-rc.1", ...others, description: "next" });
    expect(await sets(t)).toEqual(stored);
    expect(await rows(t, "select description, home from Packages where name = 'fc'")).toEqual([
      { description: "D", home: null },
    ]);
    expect(await t.registry.search.packages(ada, { text: "old" })).toEqual([]);
    expect(await t.registry.releases.get(ada, { package: "fc", version: "1.9.9" })).toMatchObject(others);
  });

  test("does not change before the archive has come, nor when it is refused", async () => {
    const { t, ada } = await start();
    await t.publish(ada, { package: "fc", version: "1.0.0", ...full });
    const { uploadId } = await t.registry.releases.create(ada, { package: "fc", version: "2.0.0", tags: ["new"] });
    await refused(
      t.registry.uploads.receive(ada, { uploadId, body: bodyOf(Buffer.from("no zip")) }),
      "invalid_archive",
    );
    expect(await sets(t)).toEqual(stored);
  });
});

describe("what a version says", () => {
  test("stays true after later publishes, with what it took over from the package", async () => {
    const { t, ada } = await start();
    await t.publish(ada, { package: "fc", version: "1.0.0", ...full, description: "one", edition: "2.0.0" });
    await t.publish(ada, { package: "fc", version: "1.1.0", tags: ["cli"], description: "two" });
    await t.publish(ada, { package: "fc", version: "1.2.0", providers: [], services: { oss: 1 }, dependencies: {} });
    const get = (version: string) => t.registry.releases.get(ada, { package: "fc", version });
    expect(await get("1.0.0")).toMatchObject({ ...full, description: "one", edition: "2.0.0" });
    expect(await get("1.1.0")).toMatchObject({
      ...full,
      providers: ["AWS", "Aliyun"],
      tags: ["cli"],
      description: "two",
      edition: "3.0.0",
    });
    expect(await get("1.2.0")).toMatchObject({
      ...full,
      providers: [],
      tags: ["cli"],
      services: { oss: 1 },
      dependencies: {},
    });
    expect(await t.registry.releases.latest(ada, { package: "fc" })).toEqual(await get("1.2.0"));
  });

  test("keeps names that are traps as plain data", async () => {
    const { t, ada } = await start();
    const source = '{"__proto__":{"polluted":true},"constructor":1,"toString":{"__proto__":[2]}}';
    const trap = JSON.parse(source);
    await t.publish(ada, { package: "fc", version: "1.0.0", properties: trap, services: trap, commands: trap });
    await t.publish(ada, { package: "fc", version: "1.1.0" });
    for (const version of ["1.0.0", "1.1.0"]) {
      const release = await t.registry.releases.get(ada, { package: "fc", version });
      for (const map of [release.properties, release.services, release.commands])
        expect(JSON.stringify(map)).toBe(source);
      expect((release.properties as Record<string, unknown>).polluted).toBeUndefined();
    }
  });

  test("cannot be changed by what a caller does to an answer", async () => {
    const { t, ada } = await start();
    await t.publish(ada, { package: "fc", version: "1.0.0", ...full });
    const read = async () => [
      await t.registry.releases.latest(ada, { package: "fc" }),
      await t.registry.releases.get(ada, { package: "fc", version: "1.0.0" }),
      await t.registry.releases.list(ada, { package: "fc" }),
    ];
    const before = JSON.stringify(await read());
    for (const answer of await read()) expect(() => spoil(answer)).toThrow(TypeError);
    expect(JSON.stringify(await read())).toBe(before);
  });
});

/** Empties everything in a value that can be emptied; throws when nothing could. */
function spoil(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const item of Object.values(value)) spoil(item);
  if (Array.isArray(value)) value.push("spoilt");
  else Object.assign(value, { spoilt: true });
}
