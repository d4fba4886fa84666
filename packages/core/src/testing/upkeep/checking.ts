import { Readable } from "node:stream";
import { expect } from "vitest";
import { toRowTime } from "../../domain/times.ts";
import type { FsckCode, FsckFinding } from "../../operations/upkeep/fsck-work.ts";
import type { Behaviours } from "../behaviours.ts";
import { patternBytes, storeBytes } from "../blobs.ts";
import { zipOf } from "../zips.ts";
import { day, download, packageName, refusalOf, type UpkeepHarness, type UpkeepWorld, worldOn } from "./harness.ts";

const sound = { findings: [], counts: {}, unmended: 0, isComplete: true, cursor: null };
const first = { package: packageName, version: "1.0.0" };

function inShort(findings: readonly FsckFinding[]): [FsckCode, string | null, boolean][] {
  return findings.map(({ code, version, isMended }) => [code, version, isMended]);
}

/** Checks twice, then mends, then checks again: what is found is found without a change, mended once and gone. */
async function mends({ registry }: UpkeepWorld, codes: readonly FsckCode[]): Promise<void> {
  for (let run = 1; run <= 2; run += 1) {
    const { findings, unmended } = await registry.fsck();
    expect(findings.map((one) => [one.code, one.isMended])).toEqual(codes.map((code) => [code, false]));
    expect(unmended).toBe(codes.length);
  }
  const { findings, unmended } = await registry.fsck({ repair: true });
  expect(findings.map((one) => [one.code, one.isMended])).toEqual(codes.map((code) => [code, true]));
  expect(unmended).toBe(0);
  expect(await registry.fsck({ deep: true })).toMatchObject(sound);
}

/** What rows say of each other and of the storage. */
export const checking: Behaviours<UpkeepHarness> = {
  async "a registry in which everything happened is sound, in every look at it"(harness) {
    const { registry, clock, ada, publish, sweep } = await worldOn(harness);
    expect(await registry.fsck()).toMatchObject(sound);
    await publish("1.0.0");
    await publish("1.1.0", "1.0.0");
    await publish("2.0.0-rc.1");
    await publish("2.0.0");
    await registry.releases.setRollout(ada, { ...first, version: "2.0.0", ratio: 0.5 });
    await registry.releases.yank(ada, { ...first, version: "1.1.0" });
    await registry.releases.create(ada, { ...first, version: "3.0.0", description: '函数 web, it\'s "quoted"' });
    await registry.packages.update(ada, { package: packageName, description: '函数 web, it\'s "quoted"' });
    await (await registry.downloads.open(ada, first)).body.toArray();
    await registry.flush();
    await registry.releases.remove(ada, { ...first, version: "2.0.0" });
    for (const pause of [0, day, 9 * day]) {
      clock.advance(pause);
      expect(await registry.fsck({ deep: true })).toMatchObject({ ...sound, checked: { packages: 1, versions: 5 } });
      await sweep();
      expect(await registry.fsck({ deep: true, repair: true })).toMatchObject(sound);
    }
  },

  async "a wrong latest version, rollout count or search index is found and mended"(harness) {
    const world = await worldOn(harness);
    const { registry, publish, database } = world;
    await publish("1.0.0");
    await publish("2.0.0");
    await database.write((tx) => tx.updateTable("Packages").set({ latest_version_id: null, rollouts: 3 }).execute());
    await mends(world, ["latest_wrong"]);
    expect((await registry.releases.latest({ kind: "visitor" }, { package: packageName })).version).toBe("2.0.0");
    for (const table of ["PackageSearch", "PackageTerms"] as const) {
      await database.write((tx) => tx.deleteFrom(table).execute());
      await mends(world, ["index_wrong"]);
    }
    expect(await registry.search.packages({ kind: "visitor" }, { text: packageName })).toHaveLength(1);
    await database.write((tx) => tx.updateTable("Packages").set({ description: "elsewhere" }).execute());
    await mends(world, ["index_wrong"]);
  },

  async "a package's counter is mended from its versions'; one of a taken-over package only where it is too low"(
    harness,
  ) {
    const world = await worldOn(harness);
    const { registry, publish, database } = world;
    await publish("1.0.0");
    const set = (values: { downloads_count?: number; created_by?: number | null }) =>
      database.write((tx) => tx.updateTable("Packages").set(values).execute());
    await database.write((tx) => tx.updateTable("Versions").set({ downloads_count: 5 }).execute());
    await mends(world, ["downloads_wrong"]);
    await set({ downloads_count: 9 });
    await mends(world, ["downloads_wrong"]);
    await set({ downloads_count: 9, created_by: null });
    expect(await registry.fsck()).toMatchObject(sound);
    await set({ downloads_count: 4 });
    await mends(world, ["downloads_wrong"]);
  },

  async "a package without an owner and a version without a known archive are named, and stay"(harness) {
    const { registry, publish, database } = await worldOn(harness);
    await publish("1.0.0");
    await database.write(async (tx) => {
      await tx.deleteFrom("PackageMaintainers").execute();
      await tx.updateTable("Versions").set({ sha256: null, size: null }).execute();
    });
    const { findings, unmended } = await registry.fsck({ repair: true });
    expect(inShort(findings)).toEqual([
      ["owner_missing", null, false],
      ["archive_unknown", "1.0.0", false],
    ]);
    expect(unmended).toBe(2);
    expect((await registry.releases.get({ kind: "visitor" }, first)).version).toBe("1.0.0");
  },

  async "a version that waits in vain for its archive expires"(harness) {
    const world = await worldOn(harness);
    await world.registry.releases.create(world.ada, first);
    world.clock.advance(day + 1);
    expect(await world.registry.fsck()).toMatchObject(sound);
    world.clock.advance(day);
    await mends(world, ["upload_overdue"]);
    expect(await world.sweep({ steps: ["uploads"] })).toEqual({});
  },

  async "bytes that nobody knows are found once they are old, and removed"(harness) {
    const world = await worldOn(harness);
    const kept = await world.publish("1.0.0");
    const orphan = await storeBytes(world.storage, patternBytes(100));
    expect(await world.registry.fsck({ repair: true })).toMatchObject(sound);
    world.clock.advance(2 * day);
    await mends(world, ["blob_orphaned"]);
    expect([await world.isStored(orphan), await world.isStored(kept)]).toEqual([false, true]);
  },

  async "an archive of which the sweep does not know is noted again"(harness) {
    const world = await worldOn(harness);
    await world.publish("1.0.0");
    await world.database.write((tx) => tx.deleteFrom("Blobs").execute());
    await mends(world, ["blob_unnoted"]);
  },

  async "missing and damaged archives are named, never delivered as whole, and healed by their bytes"(harness) {
    const { registry, publish, database, overwrite } = await worldOn(harness);
    const contents = Array.from({ length: 20 }, (_, at) => patternBytes(at % 4 === 0 ? 400_000 : 2000, at + 1));
    const [archives, digests]: [Buffer[], string[]] = [[], []];
    for (const [at, content] of contents.entries()) {
      archives.push(await zipOf({ data: content }, { store: true }));
      digests.push(await publish(`${at}.0.0`, content));
    }
    const harmed = new Map<number, "flipped" | "cut" | "removed" | "swapped">();
    for (const at of archives.keys()) {
      const [bytes, digest] = [archives[at] ?? Buffer.alloc(0), digests[at] ?? ""];
      const way = (["flipped", "cut", "removed", "swapped", null] as const)[at % 5];
      if (way === null || way === undefined) continue;
      harmed.set(at, way);
      const flipped = Buffer.from(bytes);
      const place = flipped.length - 1 - ((at * 97) % flipped.length);
      flipped.writeUInt8(flipped.readUInt8(place) ^ (1 << (at % 8)), place);
      const other = archives[(at + 10) % 20] ?? Buffer.alloc(0);
      const harm = { flipped, cut: bytes.subarray(0, bytes.length - 1 - at), removed: null, swapped: other }[way];
      await overwrite(digest, harm);
    }
    for (const at of archives.keys()) {
      const got = await download(registry, `${at}.0.0`).catch(() => null);
      expect(got, `${at}: ${harmed.get(at)}`).toEqual(harmed.has(at) ? null : archives[at]);
    }
    const shallow = await registry.fsck();
    const deep = await registry.fsck({ deep: true, repair: true });
    const found = (findings: readonly FsckFinding[]) =>
      new Map(findings.map((one) => [Number(one.version?.split(".")[0]), one.code]));
    const expected = [...harmed].map(([at, way]) => [at, way === "removed" ? "archive_missing" : "archive_damaged"]);
    expect([...found(deep.findings)].toSorted()).toEqual(expected.toSorted());
    for (const [at, way] of harmed) {
      if (way === "removed" || way === "cut") expect(found(shallow.findings).has(at), `${at}: ${way}`).toBe(true);
    }
    for (const at of harmed.keys()) {
      const outcome = await registry.heal({ body: Readable.from([archives[at] ?? Buffer.alloc(0)]) });
      expect(outcome).toMatchObject({ sha256: digests[at], isHealed: true });
      expect(await download(registry, `${at}.0.0`)).toEqual(archives[at]);
    }
    expect(await registry.fsck({ deep: true })).toMatchObject(sound);
    const whole = await registry.heal({ body: Readable.from([archives[0] ?? Buffer.alloc(0)]) });
    expect(whole.isHealed).toBe(false);
    const strange = registry.heal({ body: Readable.from([await zipOf({ data: "of no version" })]) });
    expect(await refusalOf(strange)).toBe("version_not_found");
    expect(await database.reader.selectFrom("Versions").select("id").execute()).toHaveLength(20);
  },

  async "an archive that cannot be read once is not called damaged, and not healed over"(harness) {
    let isBroken = false;
    const open: typeof harness.storage.open = async (digest, range) => {
      if (isBroken) throw new Error("the wire was cut");
      return harness.storage.open(digest, range);
    };
    const { registry, publish, isStored } = await worldOn({ ...harness, storage: { ...harness.storage, open } });
    const digest = await publish("1.0.0", patternBytes(2000));
    isBroken = true;
    const { findings } = await registry.fsck({ deep: true, repair: true });
    expect(inShort(findings)).toEqual([["archive_unreadable", "1.0.0", false]]);
    const body = Readable.from([await zipOf({ data: patternBytes(2000) }, { store: true })]);
    expect(await refusalOf(registry.heal({ body }))).toBe("unavailable");
    isBroken = false;
    expect(await isStored(digest)).toBe(true);
    expect(await registry.fsck({ deep: true })).toMatchObject(sound);
  },

  async "an archive that a dead sweep was to delete and a version needs is kept, and noted again"(harness) {
    const world = await worldOn(harness);
    const digest = await world.publish("1.0.0");
    const doomed = { state: "doomed", touched_at: toRowTime(world.clock.now()) };
    await world.database.write((tx) => tx.updateTable("Blobs").set(doomed).execute());
    expect(await world.registry.fsck({ repair: true })).toMatchObject({ unmended: 1 });
    world.clock.advance(2 * day);
    expect(await world.sweep()).toEqual({});
    expect(await world.isStored(digest)).toBe(true);
    await mends(world, ["blob_unnoted"]);
  },

  async "a check goes on where it was told to end, and looks at everything once"(harness) {
    const { registry, clock, ada, storage, database } = await worldOn(harness);
    for (let seed = 1; seed <= 30; seed += 1) await storeBytes(storage, patternBytes(30, seed));
    for (let at = 1; at <= 3; at += 1) {
      const body = Readable.from([await zipOf({ a: String(at) })]);
      await registry.releases.publish(ada, { package: `many-${at}`, version: "1.0.0", body });
    }
    clock.advance(2 * day);
    await database.write((tx) => tx.deleteFrom("PackageMaintainers").execute());
    const seen: FsckFinding[] = [];
    const totals: Record<string, number> = {};
    let [after, runs]: [string | null, number] = [null, 0];
    do {
      const ending = new AbortController();
      const report: Awaited<ReturnType<typeof registry.fsck>> = await registry.fsck({
        ...(after !== null && { after }),
        signal: ending.signal,
        onFinding: (finding) => seen.push(finding),
        onProgress({ check, done, total }) {
          totals[check] = total;
          // Archives that only the storage knows come on top.
          if (check === "archives") expect(done).toBeGreaterThanOrEqual(total);
          else expect(done).toBe(total);
          ending.abort();
        },
      });
      after = report.cursor;
      runs += 1;
    } while (after !== null);
    expect(runs).toBeGreaterThanOrEqual(3);
    expect(totals).toEqual({ packages: 3, versions: 3, archives: 3 });
    const codes = seen.map((one) => one.code);
    expect(codes.filter((code) => code === "owner_missing")).toHaveLength(3);
    expect(codes.filter((code) => code === "blob_orphaned")).toHaveLength(30);
    await expect(registry.fsck({ after: "nowhere:1" })).rejects.toThrow(TypeError);
  },
};
