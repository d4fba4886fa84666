import { expect } from "vitest";
import { toRowTime } from "../../domain/times.ts";
import type { BlobStorage } from "../../ports/blob-storage.ts";
import type { Behaviours } from "../behaviours.ts";
import { patternBytes, storeBytes } from "../blobs.ts";
import { day, download, hour, minute, packageName, refusalOf, type UpkeepHarness, worldOn } from "./harness.ts";

const first = { package: packageName, version: "1.0.0" };

/** Blobs that no version needs any more. */
export const blobSweeping: Behaviours<UpkeepHarness> = {
  async "the archive of a deleted version stays while it can be restored, and for the grace after that"(harness) {
    const { registry, clock, ada, publish, sweep, isStored } = await worldOn(harness);
    const [digest, other] = [await publish("1.0.0"), await publish("2.0.0")];
    await registry.releases.remove(ada, first);
    clock.advance(7 * day);
    expect(await sweep()).toEqual({});
    await registry.releases.restore(ada, first);
    await registry.releases.remove(ada, first);
    clock.advance(8 * day);
    expect(await sweep()).toEqual({});
    expect(await refusalOf(registry.releases.restore(ada, first))).toBe("restore_expired");
    clock.advance(1);
    expect(await sweep()).toEqual({ blobs: 1 });
    expect([await isStored(digest), await isStored(other)]).toEqual([false, true]);
    expect(await sweep()).toEqual({});
    expect(await refusalOf(registry.releases.get(ada, first))).toBe("version_deleted");
  },

  async "bytes that another version needs stay; that one yanked, blocked or deleted a moment ago too"(harness) {
    const { registry, clock, publish, sweep, isStored, ada } = await worldOn(harness);
    const digest = await publish("1.0.0", "shared");
    await registry.releases.remove(ada, first);
    await publish("2.0.0", "shared");
    clock.advance(20 * day);
    await registry.releases.yank(ada, { ...first, version: "2.0.0" });
    expect(await sweep()).toEqual({});
    const admin = await registry.sessions.actAs({ username: "root", isAdmin: true });
    await registry.releases.block(admin, { ...first, version: "2.0.0" });
    expect(await sweep()).toEqual({});
    await registry.releases.unblock(admin, { ...first, version: "2.0.0" });
    await registry.releases.remove(ada, { ...first, version: "2.0.0" });
    clock.advance(hour);
    expect(await sweep()).toEqual({});
    expect(await isStored(digest)).toBe(true);
    await registry.releases.restore(ada, { ...first, version: "2.0.0" });
    expect((await download(registry, "2.0.0")).length).toBeGreaterThan(0);
  },

  async "swept bytes can be published again, at once and later"(harness) {
    const { registry, clock, ada, publish, sweep } = await worldOn(harness);
    for (const [at, pause] of [0, minute, 3 * hour, 3 * day].entries()) {
      const version = `${at + 1}.0.0`;
      await publish(version, "again and again");
      expect((await download(registry, version)).length).toBeGreaterThan(0);
      await registry.releases.remove(ada, { package: packageName, version });
      clock.advance(9 * day);
      expect(await sweep({ steps: ["blobs"] }), version).toEqual({ blobs: 1 });
      clock.advance(pause);
      await sweep();
    }
    await publish("9.0.0", "again and again");
    expect((await download(registry, "9.0.0")).length).toBeGreaterThan(0);
  },

  async "a version whose archive an instance with a clock ahead has swept cannot be restored"(harness) {
    const here = await worldOn(harness);
    const digest = await here.publish("1.0.0");
    await here.registry.releases.remove(here.ada, first);
    const ahead = await worldOn(harness);
    ahead.clock.advance(9 * day);
    expect(await ahead.sweep()).toMatchObject({ blobs: 1 });
    expect(await here.isStored(digest)).toBe(false);
    expect(await refusalOf(here.registry.releases.restore(here.ada, first))).toBe("restore_expired");
    expect(await refusalOf(here.registry.releases.get(here.ada, first))).toBe("version_deleted");
  },

  async "bytes that nobody knows go once they are older than the grace"(harness) {
    const { clock, publish, sweep, isStored, storage } = await worldOn(harness);
    const orphans = [await storeBytes(storage, patternBytes(1000, 1)), await storeBytes(storage, patternBytes(10, 2))];
    const kept = await publish("1.0.0");
    clock.advance(hour);
    expect(await sweep()).toEqual({});
    expect(await sweep({ graceMs: 2 * hour })).toEqual({});
    clock.advance(day);
    expect(await sweep({ steps: ["uploads", "blobs"] })).toEqual({});
    expect(await sweep()).toEqual({ orphans: 2, blobs: 2 });
    expect(await Promise.all([...orphans, kept].map(isStored))).toEqual([false, false, true]);
  },

  async "what a sweep that died had marked goes ten minutes later, even if it was deleted already"(harness) {
    const { clock, sweep, isStored, storage, database, publish, registry } = await worldOn(harness);
    const digest = await storeBytes(storage, patternBytes(1000, 3));
    const gone = "0".repeat(64);
    await database.write(async (tx) => {
      const fields = { size: 1000, state: "doomed", touched_at: toRowTime(clock.now()) };
      await tx
        .insertInto("Blobs")
        .values([
          { sha256: digest, ...fields },
          { sha256: gone, ...fields },
        ])
        .execute();
    });
    clock.advance(9 * minute);
    expect(await sweep()).toEqual({});
    expect(await isStored(digest)).toBe(true);
    clock.advance(2 * minute);
    expect(await sweep()).toEqual({ blobs: 2 });
    expect(await isStored(digest)).toBe(false);
    await publish("1.0.0");
    clock.advance(2 * day);
    await sweep();
    const rows = await database.reader.selectFrom("Blobs").select("state").execute();
    expect(rows).toEqual([{ state: "live" }]);
    expect((await download(registry, "1.0.0")).length).toBeGreaterThan(0);
  },

  async "a storage that fails keeps no other step from running, and the next sweep makes up for it"(harness) {
    let isAway = true;
    const away = async () => {
      if (isAway) throw new Error("The storage is away");
    };
    const storage: BlobStorage = {
      ...harness.storage,
      list: (...args) => away().then(() => harness.storage.list(...args)),
      delete: (...args) => away().then(() => harness.storage.delete(...args)),
    };
    const { registry, clock, ada, publish, sweep, isStored } = await worldOn({ ...harness, storage });
    const digest = await publish("1.0.0");
    await registry.releases.remove(ada, first);
    await registry.releases.create(ada, { ...first, version: "2.0.0" });
    clock.advance(9 * day);
    const { steps, isComplete } = await registry.sweep();
    expect(isComplete).toBe(false);
    expect(steps.filter((one) => one.failure !== null).map((one) => one.step)).toEqual(["orphans", "blobs"]);
    expect(steps.find((one) => one.step === "uploads")).toEqual({ step: "uploads", done: 1, failure: null });
    isAway = false;
    // The deletion may yet have its effect: nobody touches the blob for a while.
    expect(await sweep({ steps: ["blobs"] })).toEqual({});
    clock.advance(11 * minute);
    expect(await sweep()).toEqual({ blobs: 1 });
    expect(await isStored(digest)).toBe(false);
  },

  async "a sweep that is told to end does so between batches, and the next one goes on"(harness) {
    const { registry, clock, storage, sweep } = await worldOn(harness);
    for (let seed = 1; seed <= 60; seed += 1) await storeBytes(storage, patternBytes(20, seed));
    clock.advance(2 * day);
    const ending = new AbortController();
    const told: number[] = [];
    const work = registry.sweep({
      signal: ending.signal,
      onProgress({ step, done }) {
        if (step !== "blobs") return;
        told.push(done);
        ending.abort(new Error("enough"));
      },
    });
    await expect(work).rejects.toThrow("enough");
    expect(told).toEqual([50]);
    expect(await storage.list(null, 100)).toHaveLength(10);
    expect(await sweep()).toEqual({ blobs: 10 });
    expect(await storage.list(null, 100)).toEqual([]);
    await expect(registry.sweep({ signal: ending.signal })).rejects.toThrow("enough");
  },
};
