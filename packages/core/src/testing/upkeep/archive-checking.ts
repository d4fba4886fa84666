import { Readable } from "node:stream";
import { expect } from "vitest";
import { toRowTime } from "../../domain/times.ts";
import type { FsckFinding } from "../../operations/upkeep/fsck-work.ts";
import type { BlobStorage } from "../../ports/blob-storage.ts";
import type { Behaviours } from "../behaviours.ts";
import { patternBytes, storeBytes } from "../blobs.ts";
import { lyingStorage } from "../lies.ts";
import { zipOf } from "../zips.ts";
import { inShort, mends, sound } from "./checked.ts";
import { day, download, packageName, refusalOf, type UpkeepHarness, worldOn } from "./harness.ts";

/** The same storage, and which blobs somebody has deleted from it. */
function noticingDeletes(inner: BlobStorage): { storage: BlobStorage; deleted: string[] } {
  const deleted: string[] = [];
  const remove: BlobStorage["delete"] = async (digest) => {
    deleted.push(digest);
    await inner.delete(digest);
  };
  return { storage: { ...inner, delete: remove }, deleted };
}

/** What the storage holds, and what is needed of it. */
export const archiveChecking: Behaviours<UpkeepHarness> = {
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
    const { storage, deleted } = noticingDeletes(harness.storage);
    const { registry, publish, database, overwrite } = await worldOn({ ...harness, storage });
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
    // Of two who heal the same archive one may be killed, and must not have taken away what the other stored.
    expect(deleted).toEqual([]);
    const whole = await registry.heal({ body: Readable.from([archives[0] ?? Buffer.alloc(0)]) });
    expect(whole.isHealed).toBe(false);
    const strange = registry.heal({ body: Readable.from([await zipOf({ data: "of no version" })]) });
    expect(await refusalOf(strange)).toBe("version_not_found");
    expect(await database.reader.selectFrom("Versions").select("id").execute()).toHaveLength(20);
  },

  async "a damaged archive is not called healed when the storage has not taken its bytes"(harness) {
    const { publish, overwrite, registry } = await worldOn(harness);
    const digest = await publish("1.0.0", patternBytes(2000));
    const bytes = await download(registry, "1.0.0");
    await overwrite(digest, Buffer.from(bytes).fill(0, 100, 200));
    const lying = await worldOn({ ...harness, storage: lyingStorage(harness.storage, { lie: "loses" }) });
    expect(await refusalOf(lying.registry.heal({ body: Readable.from([bytes]) }))).toBe("unavailable");
    expect(await registry.heal({ body: Readable.from([bytes]) })).toMatchObject({ isHealed: true });
    expect(await download(registry, "1.0.0")).toEqual(bytes);
  },

  async "an archive that the storage has lost or cut is whole again once its bytes are published again, in whatever way"(
    harness,
  ) {
    const { storage, deleted } = noticingDeletes(harness.storage);
    const { registry, ada, overwrite, publish } = await worldOn({ ...harness, storage });
    const digest = await publish("1.0.0", "lost");
    const bytes = await download(registry, "1.0.0");
    const body = () => Readable.from([bytes]);
    const { uploadId } = await registry.releases.create(ada, { package: packageName, version: "2.0.0" });
    await registry.uploads.receive(ada, { uploadId, body: body() });
    let next = 3;
    const ways = [
      () => publish("1.0.0", "lost"),
      () => registry.uploads.receive(ada, { uploadId, body: body() }),
      () => publish(`${next++}.0.0`, "lost"),
    ];
    for (const harm of [null, bytes.subarray(0, -1)]) {
      for (const way of ways) {
        await overwrite(digest, harm);
        expect((await registry.fsck()).unmended).toBeGreaterThan(1);
        await way();
        expect(await registry.fsck({ deep: true })).toMatchObject(sound);
        expect(await download(registry, "1.0.0")).toEqual(bytes);
      }
    }
    // Another publisher may have put the right bytes there just before, and been told so.
    expect(deleted).toEqual([]);
    await overwrite(digest, null);
    const others = Readable.from([await zipOf({ "index.js": "others" })]);
    expect(await refusalOf(registry.uploads.receive(ada, { uploadId, body: others }))).toBe("invalid_upload");
  },

  async "bytes that nobody knows are not in the way of a version whose bytes they should be"(harness) {
    const { registry, publish, overwrite, database } = await worldOn(harness);
    const digest = await publish("1.0.0", "known");
    const bytes = await download(registry, "1.0.0");
    for (const table of ["Versions", "Blobs"] as const) await database.write((tx) => tx.deleteFrom(table).execute());
    await overwrite(digest, bytes.subarray(0, -1));
    expect(await publish("2.0.0", "known")).toBe(digest);
    expect(await download(registry, "2.0.0")).toEqual(bytes);
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

  async "a check takes sizes from the storage's lists, and asks by itself only about what they do not show as it should be"(
    harness,
  ) {
    const asked: string[] = [];
    const stat: typeof harness.storage.stat = (digest) => {
      asked.push(digest);
      return harness.storage.stat(digest);
    };
    const { registry, publish, overwrite } = await worldOn({ ...harness, storage: { ...harness.storage, stat } });
    const digests: string[] = [];
    for (let at = 0; at < 6; at += 1) digests.push(await publish(`${at}.0.0`));
    const [cut = "", removed = ""] = digests;
    await overwrite(cut, Buffer.from("cut"));
    await overwrite(removed, null);
    asked.length = 0;
    const { findings } = await registry.fsck();
    expect(inShort(findings).toSorted()).toEqual([
      ["archive_damaged", "0.0.0", false],
      ["archive_missing", "1.0.0", false],
    ]);
    expect(asked.toSorted()).toEqual([cut, removed].toSorted());
  },
};
