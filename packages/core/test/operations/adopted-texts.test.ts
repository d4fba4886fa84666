import { describe, expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import type { TestRegistry } from "../../src/testing/registry.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, refused, registries, rows, tamper } from "./harness.ts";

const make = registries();

async function start() {
  const t = await make();
  const ada = await t.user("ada");
  await t.publish(ada, {
    package: "fc",
    version: "1.0.0",
    tags: ["old"],
    description: "first",
    home: "https://a.example",
  });
  return { t, ada };
}

async function found(t: TestRegistry, text: string): Promise<string[]> {
  return (await t.registry.search.packages(anonymous, { text })).map((hit) => `${hit.package} ${hit.description}`);
}

describe("a version that becomes the latest later", () => {
  test("by being let out to everybody, is what the package says from then on", async () => {
    const { t, ada } = await start();
    const canary = { package: "fc", version: "2.0.0" };
    await t.publish(ada, { ...canary, tags: ["fresh"], description: "second", rollout: 0.1 });
    expect(await found(t, "old")).toEqual(["fc first"]);
    expect(await found(t, "fresh")).toEqual([]);
    await t.registry.releases.setRollout(ada, { ...canary, ratio: 1 });
    expect(await found(t, "fresh")).toEqual(["fc second"]);
    expect(await found(t, "old")).toEqual([]);
    expect(await rows(t, "select description from Packages")).toEqual([{ description: "second" }]);
  });

  test("by the withdrawal of another, and back again", async () => {
    const { t, ada } = await start();
    const second = { package: "fc", version: "2.0.0" };
    await t.publish(ada, { ...second, tags: ["fresh"], description: "second" });
    await t.registry.releases.yank(ada, second);
    expect(await found(t, "old")).toEqual(["fc first"]);
    await t.registry.releases.unyank(ada, second);
    expect(await found(t, "fresh")).toEqual(["fc second"]);
    await t.registry.releases.remove(ada, second);
    expect(await found(t, "old")).toEqual(["fc first"]);
    await t.registry.releases.restore(ada, second);
    expect(await found(t, "fresh")).toEqual(["fc second"]);
  });
});

test("a version that brings labels only, or a description only, is found by what it brings and what it keeps", async () => {
  const { t, ada } = await start();
  await t.publish(ada, { package: "fc", version: "1.1.0", tags: ["fresh"] });
  for (const text of ["fresh", "first"]) expect(await found(t, text)).toEqual(["fc first"]);
  expect(await found(t, "old")).toEqual([]);
  await t.publish(ada, { package: "fc", version: "1.2.0", description: "second" });
  for (const text of ["fresh", "second"]) expect(await found(t, text)).toEqual(["fc second"]);
  expect(await found(t, "first")).toEqual([]);
});

test("a publish that finds another version to be the latest takes that one's texts, not its own", async () => {
  const { t, ada } = await start();
  await t.publish(ada, { package: "fc", version: "2.0.0", tags: ["fresh"], description: "second" });
  await tamper(t, "update Packages set latest_version_id = (select id from Versions where version = '1.0.0')");
  await tamper(t, "delete from PackageTags");
  await t.publish(ada, { package: "fc", version: "1.5.0" });
  expect(await t.registry.releases.latest(anonymous, { package: "fc" })).toMatchObject({ version: "2.0.0" });
  expect(await rows(t, "select name from Tags t inner join PackageTags p on p.tag_id = t.id")).toEqual([
    { name: "fresh" },
  ]);
  expect(await found(t, "fresh")).toEqual(["fc second"]);
});

test("a version that names no description and no home page has the package's", async () => {
  const { t, ada } = await start();
  await t.publish(ada, { package: "fc", version: "1.1.0" });
  const latest = await t.registry.releases.latest(anonymous, { package: "fc" });
  expect(latest).toMatchObject({ version: "1.1.0", description: "first", home: "https://a.example", tags: ["old"] });
});

describe("an archive whose publish.yaml says that it is not for everybody", () => {
  const files = { "publish.yaml": "Name: secret\nEffective: Private\n" };

  test("makes a new package private", async () => {
    const { t, ada } = await start();
    const { uploadId } = await t.registry.releases.create(ada, { package: "secret", version: "1.0.0" });
    await t.registry.uploads.receive(ada, { uploadId, body: bodyOf(await zipOf(files)) });
    await refused(t.registry.releases.latest(anonymous, { package: "secret" }), "package_not_found");
    expect(await t.registry.releases.latest(ada, { package: "secret" })).toMatchObject({ version: "1.0.0" });
    expect(await found(t, "secret")).toEqual([]);
  });

  test("is refused for a package that everybody reads, and leaves nothing behind", async () => {
    const { t, ada } = await start();
    const { uploadId } = await t.registry.releases.create(ada, { package: "fc", version: "2.0.0" });
    const blobs = await t.storage.list(null, 10);
    const sending = t.registry.uploads.receive(ada, { uploadId, body: bodyOf(await zipOf(files)) });
    await refused(sending, "invalid_package");
    expect(await t.storage.list(null, 10)).toEqual(blobs);
    expect(await t.registry.uploads.get(ada, { uploadId })).toMatchObject({ state: "open" });
  });
});

test("where only members read, an archive's address works by itself for a while", async () => {
  const t = await make({ readAccess: "members" });
  const ada = await t.user("ada");
  await t.publish(ada, { package: "fc", version: "1.0.0" });
  const { zipball } = await t.registry.releases.latest(ada, { package: "fc" });
  const query = new URL(zipball, "http://registry.example").searchParams;
  const grant = { expires: Number(query.get("expires")), signature: query.get("signature") ?? "" };
  const target = { package: "fc", version: "1.0.0" };
  await refused(t.registry.downloads.locate(anonymous, target), "version_not_found");
  expect(await t.registry.downloads.locate(anonymous, { ...target, grant })).toMatchObject(target);
  t.clock.advance(16 * 60_000);
  await refused(t.registry.downloads.locate(anonymous, { ...target, grant }), "version_not_found");
});

test("limits that are no positive numbers are refused by name", async () => {
  for (const limits of [
    { uploadBytes: 0 },
    { tokenTtlMs: Number.NaN },
    { archive: { entries: -1 } },
    { cacheBytes: -1 },
  ]) {
    const [name] = Object.keys("archive" in limits ? limits.archive : limits);
    await expect(make({ limits })).rejects.toThrow(name);
  }
  await expect(make({ limits: { cacheBytes: 0 } })).resolves.toBeDefined();
});
