import { Readable } from "node:stream";
import { expect } from "vitest";
import type { BlobStorage } from "../../ports/blob-storage.ts";
import type { Behaviours } from "../behaviours.ts";
import { digestOf, patternBytes, storeBytes } from "../blobs.ts";
import { zipOf } from "../zips.ts";
import { day, download, minute, packageName, refusalOf, type UpkeepHarness, worldOn } from "./harness.ts";

/** Sweeps while others sweep, publish, delete and restore. */
export const contendedSweeping: Behaviours<UpkeepHarness> = {
  async "of sweeps at the same moment each blob is deleted by one"(harness) {
    const deleted: string[] = [];
    const storage: BlobStorage = {
      ...harness.storage,
      async delete(digest) {
        deleted.push(digest);
        await harness.storage.delete(digest);
      },
    };
    const { registry, clock } = await worldOn({ ...harness, storage });
    const digests: string[] = [];
    for (let seed = 1; seed <= 120; seed += 1) digests.push(await storeBytes(storage, patternBytes(20, seed)));
    clock.advance(2 * day);
    const reports = await Promise.all(Array.from({ length: 4 }, () => registry.sweep()));
    expect(reports.flatMap(({ steps }) => steps.filter((one) => one.failure !== null))).toEqual([]);
    expect(deleted.toSorted()).toEqual(digests.toSorted());
  },

  async "bytes that come back between a sweep's decision and its deletion wait for it, and stay"(harness) {
    const [reached, mayDelete] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const storage: BlobStorage = {
      ...harness.storage,
      async delete(digest) {
        reached.resolve();
        await mayDelete.promise;
        await harness.storage.delete(digest);
      },
    };
    const { registry, clock, ada, publish, isStored } = await worldOn({ ...harness, storage });
    const digest = await publish("1.0.0", "comes back");
    await registry.releases.remove(ada, { package: packageName, version: "1.0.0" });
    clock.advance(9 * day);
    const sweeping = registry.sweep();
    await reached.promise;
    let isPublished = false;
    const publishing = publish("2.0.0", "comes back").finally(() => {
      isPublished = true;
    });
    // Long enough for one that does not wait.
    await registry.releases.create(ada, { package: packageName, version: "3.0.0" });
    await publish("4.0.0", "another");
    expect(isPublished).toBe(false);
    mayDelete.resolve();
    await Promise.all([sweeping, publishing]);
    clock.advance(9 * day);
    await registry.sweep();
    expect(await isStored(digest)).toBe(true);
    expect((await download(registry, "2.0.0")).length).toBeGreaterThan(0);
  },

  async "a publish whose bytes a sweep took for left behind is refused, and succeeds when it is repeated"(harness) {
    const bytes = await zipOf({ "index.js": "an orphan's bytes" });
    const { storage, listed, mayGoOn } = heldListing(harness.storage);
    await storeBytes(storage, bytes);
    let sweeping: Promise<unknown> | undefined;
    // The bytes are stored then, and no version refers to them yet.
    const before = async (change: { action: string }) => {
      if (change.action !== "release.publish") return;
      mayGoOn.resolve();
      await sweeping;
    };
    const { registry, clock, ada, isStored } = await worldOn({ ...harness, storage }, { hooks: { before } });
    clock.advance(2 * day);
    sweeping = registry.sweep({ steps: ["orphans", "blobs"] });
    await listed.promise;
    const target = { package: packageName, version: "1.0.0" };
    const send = () => registry.releases.publish(ada, { ...target, body: Readable.from([bytes]) });
    expect(await refusalOf(send())).toBe("unavailable");
    expect(await isStored(digestOf(bytes))).toBe(false);
    expect(await refusalOf(registry.releases.get(ada, target))).toBe("version_not_found");
    await send();
    expect(await download(registry, "1.0.0")).toEqual(bytes);
  },

  async "a publish that takes longer than the grace does not count on bytes that were deleted meanwhile"(harness) {
    const { storage: slow, listed, mayGoOn } = heldListing(harness.storage);
    const [sweeper, slowSweeper] = [await worldOn(harness), await worldOn({ ...harness, storage: slow })];
    let isSlow = false;
    // The bytes are stored then. One sweep has listed them, another deletes them, and the first goes on with what it has listed.
    const before = async (change: { action: string }) => {
      if (change.action !== "release.publish" || !isSlow) return;
      isSlow = false;
      for (const { clock } of [sweeper, slowSweeper]) clock.advance(20 * day);
      const sweeping = slowSweeper.sweep({ steps: ["orphans"] });
      await listed.promise;
      expect(await sweeper.sweep({ steps: ["blobs"] })).toEqual({ blobs: 1 });
      mayGoOn.resolve();
      await sweeping;
    };
    const { registry, ada, publish } = await worldOn(harness, { hooks: { before } });
    await publish("1.0.0", "slow");
    await registry.releases.remove(ada, { package: packageName, version: "1.0.0" });
    isSlow = true;
    expect(await refusalOf(publish("2.0.0", "slow"))).toBe("unavailable");
    await publish("2.0.0", "slow");
    expect((await download(registry, "2.0.0")).length).toBeGreaterThan(0);
  },

  async "a publish whose bytes were deleted, and that forgotten, before it was made visible is refused"(harness) {
    const sweeper = await worldOn(harness);
    let isSlow = true;
    // The bytes are stored then, and no version refers to them yet.
    const before = async (change: { action: string }) => {
      if (change.action !== "release.publish" || !isSlow) return;
      isSlow = false;
      for (const world of [sweeper, publisher]) world.clock.advance(minute * 31);
      const sweep = () => sweeper.sweep({ steps: ["orphans", "blobs"], graceMs: minute });
      expect(await sweep()).toEqual({ orphans: 1, blobs: 1 });
      // More than the time that deletions are remembered for.
      sweeper.clock.advance(day);
      await sweep();
      expect(await harness.database.reader.selectFrom("Blobs").select("state").execute()).toEqual([]);
    };
    const publisher = await worldOn(harness, { hooks: { before } });
    expect(await refusalOf(publisher.publish("1.0.0"))).toBe("unavailable");
    expect(await refusalOf(download(publisher.registry, "1.0.0"))).toBe("version_not_found");
    await publisher.publish("1.0.0");
    expect((await download(publisher.registry, "1.0.0")).length).toBeGreaterThan(0);
  },
};

/** The storage, where what was listed is told of only when it may go on. */
function heldListing(storage: BlobStorage) {
  const [listed, mayGoOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const held: BlobStorage = {
    ...storage,
    async list(...args) {
      const page = await storage.list(...args);
      listed.resolve();
      await mayGoOn.promise;
      return page;
    },
  };
  return { storage: held, listed, mayGoOn };
}
