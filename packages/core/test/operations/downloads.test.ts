import { describe, expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { memoryStorage } from "../../src/memory/index.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { readAll } from "../../src/testing/blobs.ts";
import { refused, registries, rows } from "./harness.ts";

const make = registries();
const fc = { package: "fc", version: "1.0.0" };

async function start(options: Parameters<typeof make>[0] = {}) {
  const logged: { message: string }[] = [];
  const logger = {
    info() {},
    warn() {},
    error: (fields: object, message: string) => logged.push({ ...fields, message }),
  };
  const t = await make({ logger, ...options });
  const ada = await t.user("ada");
  const published = await t.publish(ada, fc);
  const counts = async () => {
    await t.registry.flush();
    const [row] = await rows(
      t,
      `select v.downloads_count as version, p.downloads_count as package,
        (select sum(count) from DownloadDays) as days from Versions v join Packages p on p.id = v.package_id where v.id = 1`,
    );
    return row;
  };
  return { t, ada, counts, logged, ...published, ...t.registry.downloads };
}

describe("a download", () => {
  test("gives the bytes as they were sent, with all that is known of them", async () => {
    const { open, locate, bytes, sha256 } = await start();
    const { body, ...archive } = await open(anonymous, fc);
    expect(await readAll(body)).toEqual(bytes);
    expect(archive).toEqual({
      ...{
        ...fc,
        versionId: 1,
        packageId: 1,
        sha256,
        size: bytes.length,
        fileName: "fc-1.0.0.zip",
        audience: "shared",
      },
    });
    expect(await locate(anonymous, fc)).toEqual({ ...archive, open: expect.any(Function) });
  });

  test("of a part gives that part and the size of the whole", async () => {
    const { open, bytes } = await start();
    const part = await open(anonymous, { ...fc, range: { start: 3, end: 9 } });
    expect(part.size).toBe(bytes.length);
    expect(await readAll(part.body)).toEqual(bytes.subarray(3, 10));
  });

  test.each(["streams", "has it in memory"])(
    "of a part that is not inside is refused where the storage %s",
    async (how) => {
      const inner = memoryStorage();
      const readSmall = async (digest: string) => {
        const blob = await inner.open(digest);
        return blob && readAll(blob.body);
      };
      const { open, bytes, counts } = await start({ storage: how === "streams" ? inner : { ...inner, readSmall } });
      const size = bytes.length;
      for (const [from, to] of [
        [0, size],
        [size, size],
        [size + 5, size + 9],
        [-1, 3],
        [-5, -1],
        [4, 3],
        [Number.NaN, 3],
      ]) {
        const range = { start: from ?? 0, end: to ?? 0 };
        await refused(open(anonymous, { ...fc, range, count: true }), "range_not_satisfiable", { size });
      }
      const last = await open(anonymous, { ...fc, range: { start: size - 1, end: size - 1 } });
      expect(await readAll(last.body)).toEqual(bytes.subarray(-1));
      expect(await counts()).toEqual({ version: 0, package: 0, days: null });
    },
  );

  test("is offered under a name of harmless characters", async () => {
    const { t, ada, locate } = await start();
    await t.publish(ada, { package: "a.b_c-d", version: "1.0.0-rc.1+build.7" });
    const located = await locate(anonymous, { package: "a.b_c-d", version: "1.0.0-rc.1+build.7" });
    expect(located.fileName).toBe("a.b_c-d-1.0.0-rc.1+build.7.zip");
    await t.database.write(async (tx) => {
      await tx.updateTable("Packages").set({ name: 'old "name"\r\n/..' }).where("name", "=", "fc").execute();
    });
    const old = await locate(anonymous, { ...fc, package: 'old "name"\r\n/..' });
    expect(old.fileName).toBe("old__name____..-1.0.0.zip");
  });

  test("of what is not there is not found", async () => {
    const { t, ada, open } = await start();
    await t.registry.releases.create(ada, { ...fc, version: "2.0.0" });
    for (const version of ["2.0.0", "3.0.0", "", "latest", "1.0", "v1.0.0", "%", "../1.0.0"]) {
      await refused(open(anonymous, { ...fc, version }), "version_not_found");
    }
    await refused(open(anonymous, { ...fc, package: "nothing" }), "version_not_found");
  });

  test("of a version that a taken-over database has no archive of is not found", async () => {
    const { t, open } = await start();
    await t.database.write(async (tx) => {
      await tx.updateTable("Versions").set({ sha256: null, size: null }).execute();
    });
    await refused(open(anonymous, fc), "version_not_found");
  });

  test("of bytes that are gone is not found, counts nothing, and the operator is told", async () => {
    const { t, open, counts, logged, sha256 } = await start();
    await t.storage.delete(sha256);
    await refused(open(anonymous, fc), "version_not_found");
    expect(logged).toEqual([{ sha256, ...fc, message: expect.any(String) }]);
    expect(await counts()).toEqual({ version: 0, package: 0, days: null });
  });

  test("of bytes that are damaged is not begun, counts nothing, and the operator is told", async () => {
    const { t, open, counts, logged, sha256, bytes } = await start();
    await t.database.write(async (tx) => {
      await tx
        .updateTable("Versions")
        .set({ size: bytes.length + 1 })
        .execute();
    });
    await refused(open(anonymous, fc), "unavailable");
    expect(logged).toEqual([
      { ...fc, sha256, expected: bytes.length + 1, found: bytes.length, message: expect.any(String) },
    ]);
    expect(await counts()).toEqual({ version: 0, package: 0, days: null });
  });
});

describe("downloads", () => {
  test("count when whole, and once; parts do not, unless said otherwise", async () => {
    const { t, open, locate, counts } = await start();
    const take = async (options: object = {}) => (await open(anonymous, { ...fc, ...options })).body.destroy();
    for (let at = 0; at < 3; at += 1) await take();
    expect(await counts()).toEqual({ version: 3, package: 3, days: 3 });
    await take({ range: { start: 0, end: 1 } });
    await locate(anonymous, fc);
    await take({ count: false });
    expect(await counts()).toEqual({ version: 3, package: 3, days: 3 });
    await take({ range: { start: 0, end: 1 }, count: true });
    expect(await counts()).toEqual({ version: 4, package: 4, days: 4 });
    expect(await t.registry.packages.stats(anonymous, fc)).toMatchObject({
      downloads: 4,
      versions: [{ version: "1.0.0", downloads: 4 }],
    });
  });

  test("count per day of UTC and per version; the last 90 days show", async () => {
    const { t, ada, open } = await start();
    await t.publish(ada, { ...fc, version: "1.1.0" });
    const take = async (version: string) => (await open(anonymous, { ...fc, version })).body.destroy();
    await take("1.0.0");
    t.clock.advance(11 * 3_600_000 + 59 * 60_000);
    await take("1.1.0");
    t.clock.advance(60_000);
    await take("1.1.0");
    await t.registry.flush();
    const days = [
      { day: "2025-01-15", downloads: 2 },
      { day: "2025-01-16", downloads: 1 },
    ];
    const versions = [
      { version: "1.1.0", downloads: 2 },
      { version: "1.0.0", downloads: 1 },
    ];
    expect(await t.registry.packages.stats(anonymous, fc)).toMatchObject({ downloads: 3, versions, days });
    t.clock.advance(89 * 86_400_000);
    expect(await t.registry.packages.stats(anonymous, fc)).toMatchObject({ downloads: 3, days: days.slice(1) });
    t.clock.advance(86_400_000);
    expect(await t.registry.packages.stats(anonymous, fc)).toMatchObject({ downloads: 3, days: [] });
  });

  test("are not lost when the registry is closed", async () => {
    const { t, open } = await start();
    (await open(anonymous, fc)).body.destroy();
    await t.registry.close();
    const again = await make({ database: sqlite({ path: t.path ?? "" }) });
    expect(await rows(again, "select downloads_count from Versions")).toEqual([{ downloads_count: 1 }]);
  });
});

describe("an archive that the proxy in front sends", () => {
  const inner = memoryStorage();
  const proxied = { ...inner, internalPath: (digest: string) => `/_archives/${digest}` };

  test("is named by its path, and counts when it is all of it", async () => {
    const { locate, counts, sha256 } = await start({ storage: proxied });
    const located = await locate(anonymous, fc);
    expect(await located.handOver?.({ range: { start: 0, end: 3 } })).toBe(`/_archives/${sha256}`);
    expect(await counts()).toEqual({ version: 0, package: 0, days: null });
    expect(await located.handOver?.()).toBe(`/_archives/${sha256}`);
    expect(await counts()).toEqual({ version: 1, package: 1, days: 1 });
    await refused(Promise.resolve(located.handOver?.({ range: { start: 4, end: 3 } })), "range_not_satisfiable");
  });

  test("is not named where it is missing or of another size, and does not count", async () => {
    let size: number | null = null;
    const stat = async () => (size === null ? null : { size });
    const { locate, counts, logged } = await start({ storage: { ...proxied, stat } });
    const located = await locate(anonymous, fc);
    await refused(Promise.resolve(located.handOver?.()), "version_not_found");
    size = 1;
    await refused(Promise.resolve(located.handOver?.()), "unavailable");
    expect(logged.map((entry) => entry.message)).toEqual(["archive is missing", "archive is damaged"]);
    expect(await counts()).toEqual({ version: 0, package: 0, days: null });
  });
});
