import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { memoryRateLimiter } from "../../src/memory/index.ts";
import { standingClock } from "../../src/testing/clock.ts";
import { describeRateLimiter } from "../../src/testing/rate-limiter.ts";

describeRateLimiter("memoryRateLimiter", {
  create: async (clock) => ({ limiter: memoryRateLimiter({ clock }), cleanup: async () => undefined }),
});

test("no window of any length holds more than the limit, and an attempt is refused for a 16th of it too long at most", async () => {
  const windowMs = 3200;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 80 }),
      fc.array(fc.nat(120), { minLength: 100, maxLength: 300 }),
      async (limit, pauses) => {
        const clock = standingClock();
        const limiter = memoryRateLimiter({ clock });
        const allowedAt: number[] = [];
        for (const pause of pauses) {
          clock.advance(pause);
          const { allowed } = await limiter.take({ name: "r", limit, windowMs }, "k");
          const inWindow = allowedAt.filter((at) => at > clock.now() - windowMs).length;
          const inWiderWindow = allowedAt.filter((at) => at > clock.now() - windowMs - windowMs / 16).length;
          if (allowed) expect(inWindow).toBeLessThan(limit);
          else expect(inWiderWindow).toBeGreaterThanOrEqual(limit);
          if (allowed) allowedAt.push(clock.now());
        }
      },
    ),
    { numRuns: 40 },
  );
});

test("forgets the counters unused for longest when there are too many keys", async () => {
  const limiter = memoryRateLimiter({ clock: standingClock(), maxKeys: 3 });
  const rule = { name: "r", limit: 1, windowMs: 1000 };
  for (const key of ["a", "b", "c"]) await limiter.take(rule, key);
  expect((await limiter.take(rule, "a")).allowed).toBe(false);
  await limiter.take(rule, "d");
  expect((await limiter.take(rule, "a")).allowed).toBe(false);
  expect((await limiter.take(rule, "b")).allowed).toBe(true);
});

test("a million distinct keys take less than 50 MiB", { timeout: 120_000 }, async () => {
  const limiter = memoryRateLimiter({ clock: standingClock() });
  const rule = { name: "login", limit: 5, windowMs: 60_000 };
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 1_000_000; index += 1) await limiter.take(rule, `2001:db8:${index.toString(16)}::/64`);
  collect();
  const grownBytes = process.memoryUsage().heapUsed - before;
  expect(grownBytes).toBeLessThan(50 * 1024 * 1024);
  // The limiter is still needed here, or there would be nothing left to measure.
  expect((await limiter.take(rule, "one more")).allowed).toBe(true);
});
