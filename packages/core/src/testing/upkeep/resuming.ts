import { Readable } from "node:stream";
import { expect } from "vitest";
import { toRowTime } from "../../domain/times.ts";
import type { FsckReport } from "../../operations/fsck.ts";
import type { SweepProgress } from "../../operations/sweep.ts";
import type { FsckFinding } from "../../operations/upkeep/fsck-work.ts";
import type { BlobStorage } from "../../ports/blob-storage.ts";
import type { Database } from "../../ports/database.ts";
import type { Behaviours } from "../behaviours.ts";
import { digestOf, patternBytes, storeBytes } from "../blobs.ts";
import { zipOf } from "../zips.ts";
import { day, type UpkeepHarness, worldOn } from "./harness.ts";

/** More than a page of each: packages without an owner, versions without a known archive, and archives that no version needs. */
async function addMany(database: Database): Promise<void> {
  const packages = Array.from({ length: 210 }, (_, at) => ({ name: `lost-${at}`, type: "component" }));
  const common = { edition: "V3", status: "yanked" };
  const blobs = Array.from({ length: 510 }, (_, at) => digestOf(Buffer.from(`needless ${at}`)));
  const fields = { size: 1, state: "live", touched_at: toRowTime(Date.now()) };
  await database.write(async (tx) => {
    await tx.insertInto("Packages").values(packages).execute();
    const rows = await tx.selectFrom("Packages").select("id").where("name", "like", "lost-%").execute();
    const versions = ["1.0.0", "2.0.0", "3.0.0"].flatMap((version) =>
      rows.map(({ id }) => ({ package_id: id, version, ...common })),
    );
    await tx.insertInto("Versions").values(versions.slice(0, 510)).execute();
    const noted = blobs.map((sha256) => ({ sha256, ...fields }));
    await tx.insertInto("Blobs").values(noted).execute();
  });
}

const digits = /^(packages|versions):\d+$/;
const digest = /^archives:[0-9a-f]{64}$/;

/** What is cut short, by whoever runs it or by a failure. */
export const resuming: Behaviours<UpkeepHarness> = {
  async "a check goes on where it was told to end, also in the middle of packages, versions and archives, and looks at everything once"(
    harness,
  ) {
    const { registry, clock, ada, storage, database } = await worldOn(harness);
    for (let seed = 1; seed <= 30; seed += 1) await storeBytes(storage, patternBytes(30, seed));
    for (let at = 1; at <= 3; at += 1) {
      const body = Readable.from([await zipOf({ a: String(at) })]);
      await registry.releases.publish(ada, { package: `many-${at}`, version: "1.0.0", body });
    }
    clock.advance(2 * day);
    await database.write((tx) => tx.deleteFrom("PackageMaintainers").execute());
    await addMany(database);
    const total = { packages: 213, versions: 513, archives: 513 };
    const seen: FsckFinding[] = [];
    const looked = { packages: 0, versions: 0, archives: 0 };
    const places: string[] = [];
    let after: string | null = null;
    do {
      const ending = new AbortController();
      const report: FsckReport = await registry.fsck({
        ...{ after, signal: ending.signal },
        onFinding: (finding) => seen.push(finding),
        onProgress({ check, done, total: left, cursor }) {
          // Archives that only the storage knows come on top.
          if (check === "archives") expect(looked[check] + left).toBeGreaterThanOrEqual(total[check]);
          else expect(looked[check] + left).toBe(total[check]);
          looked[check] += done;
          places.push(cursor);
          ending.abort();
        },
      });
      after = report.cursor;
    } while (after !== null && places.length < 10);
    expect(looked).toEqual({ ...total, archives: 543 });
    const [word, [id, hash]] = [/^\w+:end$/, [expect.stringMatching(digits), expect.stringMatching(digest)]];
    const end = expect.stringMatching(word);
    expect(places).toEqual([id, end, id, end, hash, end]);
    const codes = Map.groupBy(seen, (one) => one.code);
    expect(Object.fromEntries([...codes].map(([code, found]) => [code, found.length]))).toEqual({
      ...{ owner_missing: 213, archive_unknown: 510, blob_orphaned: 30 },
    });
    expect(new Set(seen.map((one) => `${one.code} ${one.package} ${one.version} ${one.sha256}`)).size).toBe(
      seen.length,
    );
  },

  async "a check that reads archives is told to end between two of them, tells more often, and goes on behind the last"(
    harness,
  ) {
    const opened: string[] = [];
    const ending = new AbortController();
    const storage: BlobStorage = {
      ...harness.storage,
      open(digest, range) {
        opened.push(digest);
        ending.abort();
        return harness.storage.open(digest, range);
      },
    };
    const { registry, publish, database } = await worldOn({ ...harness, storage });
    const digests = [await publish("1.0.0"), await publish("2.0.0"), await publish("3.0.0")];
    opened.length = 0;
    const options = { deep: true, after: "versions:end" };
    const first = await registry.fsck({ ...options, signal: ending.signal });
    expect(first).toMatchObject({ cursor: `archives:${opened[0]}`, isComplete: false, checked: { archives: 1 } });
    const rest = await registry.fsck({ ...options, after: first.cursor });
    expect(rest).toMatchObject({ isComplete: true, checked: { archives: 2 } });
    expect(opened).toEqual(digests.toSorted());
    await addMany(database);
    const told: number[] = [];
    await registry.fsck({ ...options, onProgress: ({ done }) => told.push(done) });
    expect(told).toEqual([...Array.from({ length: 10 }, (_, page) => 50 * (page + 1)), 513]);
  },

  async "a search for orphans tells of every page, and goes on where a failure or its host has cut it short"(harness) {
    const digests = Array.from({ length: 2300 }, (_, at) => digestOf(Buffer.from(`orphan ${at}`))).toSorted();
    const now = Date.now();
    // One of fifty is old two days later.
    const all = digests.map((digest, at) => ({ digest, size: 1, touchedAt: at % 50 === 0 ? now : now + 9 * day }));
    let [asked, isAway]: [(string | null)[], boolean] = [[], false];
    const storage: BlobStorage = {
      ...harness.storage,
      async list(after, limit) {
        asked.push(after);
        if (isAway && after !== null) throw new Error("The storage is away");
        const begin = after === null ? 0 : digests.indexOf(after) + 1;
        return all.slice(begin, begin + limit);
      },
    };
    const { registry, clock } = await worldOn({ ...harness, storage });
    const step = "orphans" as const;
    const steps = [step];
    const [first, second] = [`orphans:${digests[999]}`, `orphans:${digests[1999]}`];
    const told: SweepProgress[] = [];
    await registry.sweep({ steps, onProgress: (progress) => told.push(progress) });
    expect(told).toEqual([first, second, null].map((cursor) => ({ step, done: 0, cursor })));
    clock.advance(2 * day);
    isAway = true;
    const failed = await registry.sweep({ steps });
    expect(failed.steps).toEqual([{ step, done: 20, failure: "The storage is away" }]);
    expect(failed).toMatchObject({ isComplete: false, cursor: first });
    expect(await registry.sweep({ skip: steps, after: first })).toMatchObject({ cursor: first });
    [asked, isAway] = [[], false];
    const ending = new AbortController();
    let after = failed.cursor;
    const cut = registry.sweep({
      ...{ steps, after, signal: ending.signal },
      onProgress({ cursor }) {
        if (cursor !== after) ending.abort(new Error("enough"));
        after = cursor;
      },
    });
    await expect(cut).rejects.toThrow("enough");
    expect(after).toBe(second);
    expect(await registry.sweep({ steps, after })).toEqual({
      ...{ steps: [{ step, done: 6, failure: null }], isComplete: true, cursor: null },
    });
    expect(asked).toEqual([digests[999], digests[1999]]);
  },

  async "a place that no run has told is refused, and not passed over"(harness) {
    const { registry } = await worldOn(harness);
    const hash = "a1".repeat(32);
    const nowhere = ["nowhere:1", "packages", `packages:${hash}`, `versions:${hash}`, "versions:1e9", "archives:17"];
    for (const after of [...nowhere, `packages:${"9".repeat(20)}`, `orphans:${hash}`, ""]) {
      await expect(registry.fsck({ after }), after).rejects.toThrow(TypeError);
    }
    for (const after of ["orphans", "orphans:17", "orphans:end", `archives:${hash}`, ""]) {
      await expect(registry.sweep({ after }), after).rejects.toThrow(TypeError);
    }
  },
};
