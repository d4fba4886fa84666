import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { removeExpiredCounters, removeExpiredNonces } from "../../src/database-stores/expired.ts";
import { databaseNonces } from "../../src/database-stores/nonces.ts";
import { databaseRateLimiter } from "../../src/database-stores/rate-limiter.ts";
import { memoryRateLimiter } from "../../src/memory/index.ts";
import type { Database } from "../../src/ports/database.ts";
import { standingClock } from "../../src/testing/clock.ts";
import { describeNonceStore } from "../../src/testing/nonce-store.ts";
import { describeRateLimiter } from "../../src/testing/rate-limiter.ts";

/** An empty database with its schema. `reopen` makes another object on the same data, as another instance would. */
export type OpenDatabase = () => Promise<{ database: Database; reopen(): Database; cleanup(): Promise<void> }>;

async function countRows(database: Database, table: "Nonces" | "RateCounters"): Promise<number> {
  const row = await database.reader
    .selectFrom(table)
    .select((eb) => eb.fn.countAll().as("rows"))
    .executeTakeFirst();
  return Number(row?.rows);
}

/** Registers the tests of one-time values and rate limits in a database, for one engine. */
export function describeDatabaseStores(engine: string, open: OpenDatabase): void {
  describeNonceStore(`databaseNonces on ${engine}`, {
    async create(clock) {
      const { database, cleanup } = await open();
      return { nonces: databaseNonces(database, clock), cleanup };
    },
    alwaysRemembers: true,
  });

  describeRateLimiter(`databaseRateLimiter on ${engine}`, {
    async create(clock) {
      const { database, cleanup } = await open();
      return { limiter: databaseRateLimiter(database, clock), cleanup };
    },
  });

  describeSharing(`two instances on one ${engine}`, open);

  describe(`rows on ${engine}`, () => {
    test("hold no value and no key, and a refused attempt writes none", async () => {
      const { database, cleanup } = await open();
      await databaseNonces(database).claim(["secret-nonce"], { ttlMs: 1000, sinceMs: 0 });
      const limiter = databaseRateLimiter(database);
      for (const limit of [1, 0]) await limiter.take({ name: `limit ${limit}`, limit, windowMs: 1000 }, "192.0.2.7");
      const nonces = await database.reader.selectFrom("Nonces").selectAll().execute();
      const counters = await database.reader.selectFrom("RateCounters").selectAll().execute();
      expect(nonces).toEqual([{ value_hash: expect.stringMatching(/^[0-9a-f]{64}$/), expires_at: expect.any(Number) }]);
      expect(counters.map((row) => row.counter)).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
      await cleanup();
    });

    test("are cleaned by those who add them, and by request, but for those that still count", async () => {
      const { database, cleanup } = await open();
      const clock = standingClock();
      const nonces = databaseNonces(database, clock);
      const limiter = databaseRateLimiter(database, clock);
      const add = async (count: number, name: string) => {
        for (let at = 0; at < count; at += 1) {
          await nonces.claim([`${name} ${at}`], { ttlMs: 1000, sinceMs: 0 });
          await limiter.take({ name, limit: 1, windowMs: 1000 }, `${at}`);
        }
      };
      await add(60, "early");
      clock.advance(500);
      await add(35, "later");
      clock.advance(500);
      expect(await removeExpiredNonces(database, clock.now())).toBe(60);
      expect(await removeExpiredCounters(database, clock.now())).toBe(60);
      expect(await removeExpiredNonces(database, clock.now())).toBe(0);
      clock.advance(500);
      await add(110, "last");
      expect(await countRows(database, "Nonces")).toBe(110);
      expect(await countRows(database, "RateCounters")).toBe(110);
      await cleanup();
    });
  });

  test(`counters on ${engine} say what counters in memory say`, async () => {
    const { database, cleanup } = await open();
    let key = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.record({ limit: fc.integer({ min: 0, max: 40 }), windowMs: fc.integer({ min: 1, max: 500 }) }),
        fc.array(fc.integer({ min: -20, max: 60 }), { minLength: 20, maxLength: 60 }),
        async (limits, pauses) => {
          const clock = standingClock();
          const limiters = [memoryRateLimiter({ clock }), databaseRateLimiter(database, clock)];
          const rule = { name: "r", ...limits };
          key += 1;
          for (const pause of pauses) {
            clock.advance(pause);
            const [expected, found] = await Promise.all(limiters.map((limiter) => limiter.take(rule, `${key}`)));
            expect(found).toEqual(expected);
          }
        },
      ),
      { numRuns: 15 },
    );
    await cleanup();
  });
}

/** Registers the test that two instances count and claim as one, `reopen` being the second. */
export function describeSharing(name: string, open: OpenDatabase): void {
  describe(name, () => {
    test("have the same claims and the same counters, also when all come at once", async () => {
      const { database, reopen, cleanup } = await open();
      const databases = [database, reopen()];
      const stores = databases.map((one) => databaseNonces(one));
      const terms = { ttlMs: 31_000, sinceMs: 0 };
      for (let round = 0; round < 5; round += 1) {
        const values = [`nonce ${round}`, `signature ${round}`];
        const claims = Array.from({ length: 20 }, (_, at) =>
          stores[at % 2]?.claim(at % 3 ? values : values.toReversed(), terms),
        );
        expect((await Promise.all(claims)).filter(Boolean)).toHaveLength(1);
      }
      const limiters = databases.map((one) => databaseRateLimiter(one));
      const rule = { name: "login", limit: 7, windowMs: 60_000 };
      const attempts = Array.from({ length: 24 }, (_, at) => limiters[at % 2]?.take(rule, "key"));
      expect((await Promise.all(attempts)).filter((verdict) => verdict?.allowed)).toHaveLength(rule.limit);
      await cleanup();
    });
  });
}
