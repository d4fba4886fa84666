import { describe, expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import type { Registry } from "../../src/registry.ts";
import { originalTime } from "./original.ts";
import { rowsIn, signIn, takenOver, zipBody } from "./taken-over.ts";

const iso = `${originalTime.replace(" ", "T")}.000Z`;

async function versionsOf(registry: Registry, name: string): Promise<string[]> {
  return (await registry.releases.list(anonymous, { package: name })).map((release) => release.version);
}

describe("versions of a taken-over database", () => {
  test("published ones are listed by SemVer, those whose archive never came are not", async () => {
    const { registry, after } = await takenOver();
    expect(await versionsOf(registry, "fc")).toEqual(["1.0.0-beta.1", "0.10.0", "0.9.0"]);
    const states = rowsIn(after, "SELECT version, status FROM Versions WHERE package_id = 1 ORDER BY id");
    expect(states.map(({ status }) => status)).toEqual(["active", "active", "active", "expired", "expired"]);
    await expect(registry.releases.list(anonymous, { package: "empty" })).rejects.toMatchObject({
      code: "package_not_found",
    });
  });

  test("latest is the highest stable one, whatever the original had noted", async () => {
    const { registry } = await takenOver();
    expect((await registry.releases.latest(anonymous, { package: "fc" })).version).toBe("0.10.0");
    expect((await registry.releases.latest(anonymous, { package: "worn" })).version).toBe("1.0.0");
    expect((await registry.releases.latest(anonymous, { package: "loose" })).version).toBe("0.0.1");
    await expect(registry.releases.latest(anonymous, { package: "empty" })).rejects.toMatchObject({
      code: "package_not_found",
    });
  });

  test("a partial rollout goes on", async () => {
    const { registry } = await takenOver();
    const versions = new Set<string>();
    for (let at = 0; at < 40; at++) {
      const visitor = { kind: "visitor", clientId: `client-${at}` } as const;
      versions.add((await registry.releases.latest(visitor, { package: "worn" })).version);
    }
    expect([...versions].sort()).toEqual(["1.0.0", "1.1.0"]);
  });

  test("times were UTC", async () => {
    const { registry } = await takenOver();
    const release = await registry.releases.get(anonymous, { package: "fc", version: "0.9.0" });
    expect(release).toMatchObject({ createdAt: iso, publishedAt: iso, readme: "# old" });
  });

  test("a version says what its package says: plain texts stay texts, JSON is read", async () => {
    const { registry } = await takenOver();
    const release = await registry.releases.latest(anonymous, { package: "fc" });
    expect(release).toMatchObject({
      home: "https://fc.example.com",
      providers: ["AWS", "Alibaba"],
      tags: ["Web"],
      services: { FC: "AliyunFCFullAccess", OSS: ["read", "write"] },
      commands: { deploy: "Deploys {it}" },
      dependencies: { a: "^0.1.0" },
    });
    expect(Object.entries(release.properties)).toEqual([
      ["region", "cn-hangzhou"],
      ["__proto__", '{"broken": '],
    ]);
  });

  test("one without an archive is listed and not to be downloaded", async () => {
    const { registry } = await takenOver();
    for (const version of await versionsOf(registry, "fc")) {
      const release = await registry.releases.get(anonymous, { package: "fc", version });
      expect(release).toMatchObject({ sha256: null, size: null });
      const opening = registry.downloads.open(anonymous, { package: "fc", version });
      await expect(opening).rejects.toMatchObject({ code: "version_not_found" });
    }
  });

  test("one whose archive never came is opened anew and published", async () => {
    const { registry } = await takenOver();
    const ada = await signIn(registry, "ada");
    for (const version of ["1.0.0", "2.0.0"]) {
      const { uploadId } = await registry.releases.create(ada, { package: "fc", version });
      await registry.uploads.receive(ada, { uploadId, body: await zipBody() });
      expect((await registry.releases.latest(anonymous, { package: "fc" })).version).toBe(version);
    }
    const taken = registry.releases.create(ada, { package: "fc", version: "0.9.0" });
    await expect(taken).rejects.toMatchObject({ code: "version_exists" });
  });

  test("numbers that are no SemVer come last, are read by their text and never latest", async () => {
    const { registry } = await takenOver();
    expect(await versionsOf(registry, "loose")).toEqual(["0.0.1", "newest", "1.0", "v1.0.0"]);
    const release = await registry.releases.get(anonymous, { package: "loose", version: "v1.0.0" });
    expect(release.version).toBe("v1.0.0");
    const ada = await signIn(registry, "ada");
    await registry.releases.remove(ada, { package: "loose", version: "newest" });
    expect(await versionsOf(registry, "loose")).toEqual(["0.0.1", "1.0", "v1.0.0"]);
  });

  test("of two that differ in build metadata the published one counts, and the other stays out", async () => {
    const { registry } = await takenOver();
    const ada = await signIn(registry, "ada");
    await registry.releases.remove(ada, { package: "twins", version: "2.0.0" });
    expect(await versionsOf(registry, "twins")).toEqual(["1.0.0+b"]);
    expect((await registry.releases.latest(anonymous, { package: "twins" })).version).toBe("1.0.0+b");
    for (const version of ["1.0.0+a", "1.0.0+c", "1.0.0"]) {
      const twin = registry.releases.create(ada, { package: "twins", version });
      await expect(twin, version).rejects.toMatchObject({ code: "version_exists" });
    }
  });

  test("of one number that stands there several times, readers see one", async () => {
    const { registry, after } = await takenOver();
    expect(await versionsOf(registry, "twins")).toEqual(["2.0.0", "1.0.0+b"]);
    const release = await registry.releases.get(anonymous, { package: "twins", version: "2.0.0" });
    expect(release.version).toBe("2.0.0");
    expect((await registry.releases.latest(anonymous, { package: "twins" })).version).toBe("2.0.0");
    expect(rowsIn(after, "SELECT * FROM Versions WHERE package_id = 11 AND version = '2.0.0'")).toHaveLength(3);
    const ada = await signIn(registry, "ada");
    await registry.releases.remove(ada, { package: "twins", version: "2.0.0" });
    const deleted = registry.releases.get(anonymous, { package: "twins", version: "2.0.0" });
    await expect(deleted).rejects.toMatchObject({ code: "version_deleted" });
    const again = registry.releases.create(ada, { package: "twins", version: "2.0.0" });
    await expect(again).rejects.toMatchObject({ code: "version_exists" });
  });

  test("columns left empty mean their defaults", async () => {
    const { registry, after } = await takenOver();
    expect(await versionsOf(registry, "nulls")).toEqual(["1.0.0"]);
    const release = await registry.releases.latest(anonymous, { package: "nulls" });
    expect(release.rollout).toBe(1);
    expect(Number.isNaN(Date.parse(release.createdAt))).toBe(false);
    const ada = await signIn(registry, "ada");
    await registry.releases.publish(ada, { package: "nulls", version: "3.0.0", body: await zipBody() });
    const archive = await registry.downloads.open(anonymous, { package: "nulls", version: "3.0.0" });
    await archive.body.toArray();
    await registry.flush();
    expect(rowsIn(after, "SELECT downloads_count FROM Packages WHERE name = 'nulls'")).toEqual([
      { downloads_count: 1 },
    ]);
  });
});
