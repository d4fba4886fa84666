import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { RegistryError } from "../../errors.ts";
import type { BlobStorage } from "../../ports/blob-storage.ts";
import { createRegistry } from "../../registry.ts";
import type { Behaviours } from "../behaviours.ts";
import { digestOf } from "../blobs.ts";
import { testSecret } from "../registry.ts";
import { zipOf } from "../zips.ts";
import { packageName, type UpkeepHarness } from "./harness.ts";

/** How long publishers and sweepers race for the same bytes at least; a run by hand takes longer than the test needs. */
const raceMs = 1000 * Number(process.env.RACE_SECONDS ?? 0);

/** Publishers and sweepers after the same bytes. */
export const sweepRace: Behaviours<UpkeepHarness> = {
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
      if (tries === 100 || !RegistryError.is(error, "unavailable")) throw error;
    }
  }
}
