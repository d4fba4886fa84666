import { Readable } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { digestOf, readAll } from "../../src/testing/blobs.ts";
import { testRegistry } from "../../src/testing/registry.ts";
import { zipOf } from "../../src/testing/zips.ts";

const hour = 3_600_000;
const day = 24 * hour;
const [restoreWindowMs, graceMs] = [7 * day, day];
const contents = ["one", "two", "three"];

type Step =
  | { kind: "publish"; version: number; content: number }
  | { kind: "delete" | "restore"; version: number }
  | { kind: "advance"; hours: number }
  | { kind: "sweep" };

const version = fc.nat({ max: 4 });
const content = fc.nat({ max: contents.length - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("publish" as const), version, content }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("delete" as const, "restore" as const), version }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("advance" as const), hours: fc.constantFrom(1, 23, 25, 169, 200) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("sweep" as const) }) },
);

interface Known {
  content: number;
  deletedAt: number | null;
}

test("whatever is published, deleted, restored and swept: what is needed is there, and a sweep leaves no more than that", async () => {
  const archives = await Promise.all(contents.map((text) => zipOf({ text })));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const limits = { restoreWindowMs };
      const t = await testRegistry({ database: ":memory:", limits });
      try {
        const ada = await t.registry.sessions.actAs({ username: "ada" });
        const known = new Map<number, Known>();
        // When the bytes were stored or restored last.
        const touched = new Map<number, number>();
        for (const one of steps) await follow(one);
        await follow({ kind: "sweep" });

        async function follow(one: Step): Promise<void> {
          const now = t.clock.now();
          if (one.kind === "advance") return t.clock.advance(one.hours * hour);
          if (one.kind === "sweep") return sweep(now);
          const target = { package: "modelled", version: `${one.version}.0.0` };
          const version = known.get(one.version);
          const { outcome, expected } = attempt(one, target, version);
          expect(await outcome, JSON.stringify(one)).toBe(expected);
        }

        function attempt(
          one: Exclude<Step, { kind: "advance" | "sweep" }>,
          target: { package: string; version: string },
          found: Known | undefined,
        ): { outcome: Promise<boolean>; expected: boolean } {
          const now = t.clock.now();
          if (one.kind === "publish") {
            const body = Readable.from([archives[one.content] ?? Buffer.alloc(0)]);
            const isSame = found?.deletedAt === null && found.content === one.content;
            if (found === undefined) {
              known.set(one.version, { content: one.content, deletedAt: null });
            }
            // Bytes are stored before anybody knows whether the version is free.
            if (!isSame) touched.set(one.content, now);
            const outcome = succeeds(t.registry.releases.publish(ada, { ...target, body }));
            return { outcome, expected: found === undefined || isSame };
          }
          if (one.kind === "delete") {
            const may = found?.deletedAt === null;
            const outcome = succeeds(t.registry.releases.remove(ada, target));
            if (may) known.set(one.version, { ...found, deletedAt: now });
            return { outcome, expected: may };
          }
          const may = found !== undefined && found.deletedAt !== null && found.deletedAt + restoreWindowMs >= now;
          const outcome = succeeds(t.registry.releases.restore(ada, target));
          if (may) {
            known.set(one.version, { ...found, deletedAt: null });
            touched.set(found.content, now);
          }
          return { outcome, expected: may };
        }

        async function sweep(now: number): Promise<void> {
          expect((await t.registry.sweep({ graceMs })).isComplete).toBe(true);
          // What is stored in the very millisecond in which the same bytes were removed waits for one sweep more.
          t.clock.advance(1);
          const stored = new Set((await t.storage.list(null, 100)).map((blob) => blob.digest));
          const uses = [...known.values()];
          for (const [number, bytes] of archives.entries()) {
            const isNeeded = uses.some(
              (use) =>
                use.content === number && (use.deletedAt === null || use.deletedAt >= now - restoreWindowMs - graceMs),
            );
            const isFresh = (touched.get(number) ?? 0) >= now - graceMs;
            expect(stored.has(digestOf(bytes)), `content ${number}`).toBe(isNeeded || isFresh);
          }
          for (const [number, use] of known) {
            if (use.deletedAt !== null) continue;
            const target = { package: "modelled", version: `${number}.0.0`, count: false };
            const { body } = await t.registry.downloads.open({ kind: "visitor" }, target);
            expect(await readAll(body)).toEqual(archives[use.content]);
          }
          expect(await t.registry.fsck({ deep: true, graceMs })).toMatchObject({ findings: [], isComplete: true });
        }
      } finally {
        await t.cleanup();
      }
    }),
    { numRuns: 30 },
  );
}, 120_000);

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
