import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { RegistryError } from "../../errors.ts";
import type { BlobStorage } from "../../ports/blob-storage.ts";
import { createRegistry } from "../../registry.ts";
import type { Behaviours } from "../behaviours.ts";
import { digestOf, patternBytes, storeBytes } from "../blobs.ts";
import { testSecret } from "../registry.ts";
import { zipOf } from "../zips.ts";
import { day, download, minute, packageName, refusalOf, type UpkeepHarness, worldOn } from "./harness.ts";

/** How long publishers and sweepers race for the same bytes at least; a run by hand takes longer than the test needs. */
const raceMs = 1000 * Number(process.env.RACE_SECONDS ?? 0);

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
    const [listed, mayGoOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const storage: BlobStorage = {
      ...harness.storage,
      async list(...args) {
        const page = await harness.storage.list(...args);
        listed.resolve();
        await mayGoOn.promise;
        return page;
      },
    };
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
    const [listed, mayGoOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow: BlobStorage = {
      ...harness.storage,
      async list(...args) {
        const page = await harness.storage.list(...args);
        listed.resolve();
        await mayGoOn.promise;
        return page;
      },
    };
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

  async "identical bytes published, deleted and swept over and over, by two sweepers with hardly any grace: none is missing"(
    harness,
  ) {
    const bytes = [await zipOf({ a: "first" }), await zipOf({ a: "second" })];
    const deletions = new Map(bytes.map((one) => [digestOf(one), 0]));
    const storage: BlobStorage = {
      ...harness.storage,
      async delete(digest) {
        await harness.storage.delete(digest);
        deletions.set(digest, (deletions.get(digest) ?? 0) + 1);
      },
    };
    const registries = [1, 2].map(() =>
      createRegistry({ ...harness, storage, serverSecret: testSecret, limits: { restoreWindowMs: 1 } }),
    );
    const [one, two] = registries as [(typeof registries)[0], (typeof registries)[0]];
    const ada = await one.sessions.actAs({ username: "ada" });
    let isOver = false;
    const sweepers = [one, two].map(async (registry) => {
      while (!isOver) {
        const { steps } = await registry.sweep({ graceMs: 20, steps: ["orphans", "blobs"] });
        expect(steps.filter((step) => step.failure !== null)).toEqual([]);
      }
    });
    const download = async ({ at, ...target }: { package: string; version: string; at: number }) => {
      const open = await one.downloads.open({ kind: "visitor" }, { ...target, count: false });
      expect(Buffer.concat(await open.body.toArray())).toEqual(bytes[at]);
    };
    const end = performance.now() + raceMs;
    let published = 0;
    // Each of them was swept, came back and was swept once more.
    const isEnough = () => [...deletions.values()].every((times) => times >= 2) && performance.now() >= end;
    const worker = async (number: number) => {
      const registry = number % 2 === 0 ? one : two;
      for (let round = 1; ; round += 1) {
        const at = round % 2;
        const target = { package: `${packageName}-${number}`, version: `${round}.0.0` };
        const send = () => Readable.from([bytes[at] ?? Buffer.alloc(0)]);
        await patiently(() => registry.releases.publish(ada, { ...target, body: send() }));
        published += 1;
        await download({ ...target, at });
        if (round >= 6 && isEnough()) return { ...target, at };
        await registry.releases.remove(ada, target);
        // Else the workers would keep in step, and some version would always need the bytes.
        await delay(Math.random() * 60);
      }
    };
    const last = await Promise.all([0, 1, 2, 3].map(worker)).finally(() => {
      isOver = true;
    });
    await Promise.all(sweepers);
    for (const target of last) await download(target);
    if (raceMs > 0) console.log(`sweep race: ${JSON.stringify({ published, swept: [...deletions.values()] })}`);
  },
};

/** Repeats what is refused because a sweep was faster, as clients do. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === 20 || !RegistryError.is(error, "unavailable")) throw error;
    }
  }
}
