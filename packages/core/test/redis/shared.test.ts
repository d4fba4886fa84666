import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, describe, expect, test, vi } from "vitest";
import { describeWith } from "../../../../scripts/test/services.ts";
import { memoryRateLimiter } from "../../src/memory/index.ts";
import { redisNonces, redisRateLimiter } from "../../src/redis/index.ts";
import { standingClock } from "../../src/testing/clock.ts";
import { describeNonceStore } from "../../src/testing/nonce-store.ts";
import { describeRateLimiter } from "../../src/testing/rate-limiter.ts";
import { expectOneWinner } from "../database-stores/contest.ts";

describeWith(["redis"], ({ REDIS_URL = "" }) => {
  const redis = new Redis(REDIS_URL, { lazyConnect: true });
  const prefixes: string[] = [];
  const newPrefix = () => {
    const prefix = `test-${randomUUID()}:`;
    prefixes.push(prefix);
    return prefix;
  };
  const keysOf = (prefix: string) => redis.keys(`${prefix}*`);
  const removeAll = async () => {
    for (const prefix of prefixes.splice(0)) {
      const keys = await keysOf(prefix);
      if (keys.length > 0) await redis.del(...keys);
    }
  };
  afterAll(async () => {
    await removeAll();
    redis.disconnect();
  });

  describeNonceStore("redisNonces", {
    create: async (clock) => ({ nonces: redisNonces({ redis, clock, prefix: newPrefix() }), cleanup: removeAll }),
  });

  describeRateLimiter("redisRateLimiter", {
    create: async (clock) => ({ limiter: redisRateLimiter({ redis, clock, prefix: newPrefix() }), cleanup: removeAll }),
  });

  test("counters in Redis say what counters in memory say", async () => {
    const prefix = newPrefix();
    let key = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.record({ limit: fc.integer({ min: 0, max: 60 }), windowMs: fc.integer({ min: 1, max: 1000 }) }),
        fc.array(fc.integer({ min: -20, max: 80 }), { minLength: 30, maxLength: 120 }),
        async (limits, pauses) => {
          const clock = standingClock();
          const limiters = [memoryRateLimiter({ clock }), redisRateLimiter({ redis, clock, prefix })];
          const rule = { name: "r", ...limits };
          key += 1;
          for (const pause of pauses) {
            clock.advance(pause);
            const [expected, found] = await Promise.all(limiters.map((limiter) => limiter.take(rule, `${key}`)));
            expect(found).toEqual(expected);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  describe("by Redis's own clock", () => {
    const terms = () => ({ ttlMs: 31_000, sinceMs: Date.now() + 60_000 });

    test("a claim has an end, the memory has none, and nothing tells the values", async () => {
      const prefix = newPrefix();
      const nonces = redisNonces({ redis, prefix });
      expect(await nonces.claim(["secret-nonce", "signature"], terms())).toBe(true);
      expect(await nonces.claim(["secret-nonce"], terms())).toBe(false);
      const keys = await keysOf(prefix);
      expect(keys.join()).not.toContain("secret");
      const lives = await Promise.all(keys.map((key) => redis.pttl(key)));
      const [memory, ...claims] = lives.sort((a, b) => a - b);
      expect(memory).toBe(-1);
      expect(claims).toHaveLength(2);
      for (const life of claims) expect(life).toBeGreaterThan(20_000);
      for (const life of claims) expect(life).toBeLessThanOrEqual(31_000);
    });

    test("a claim ends when its time is over", async () => {
      const nonces = redisNonces({ redis, prefix: newPrefix() });
      expect(await nonces.claim(["short"], { ...terms(), ttlMs: 1000 })).toBe(true);
      expect(await nonces.claim(["short"], terms())).toBe(false);
      await expect.poll(() => nonces.claim(["short"], terms()), { timeout: 5000 }).toBe(true);
    });

    test("a counter lives for its window, and never grows", async () => {
      const prefix = newPrefix();
      const limiter = redisRateLimiter({ redis, prefix });
      const rule = { name: "read", limit: 6000, windowMs: 2000 };
      const verdicts = await Promise.all(Array.from({ length: 500 }, () => limiter.take(rule, "192.0.2.7")));
      expect(verdicts.map((verdict) => verdict.remaining).sort((a, b) => a - b)[0]).toBe(rule.limit - 500);
      const [key = ""] = await keysOf(prefix);
      expect(key).not.toContain("192");
      expect(await redis.strlen(key)).toBeLessThan(18 * 20);
      expect(await redis.pttl(key)).toBeLessThanOrEqual(2000);
      await expect.poll(() => redis.exists(key), { timeout: 4000 }).toBe(0);
    });

    test("what was forgotten is not granted again: nothing from before is, everything from now on", async () => {
      const prefix = newPrefix();
      const nonces = redisNonces({ redis, prefix });
      const before = { ttlMs: 31_000, sinceMs: Date.now() };
      await nonces.claim(["warm"], terms());
      const sinceStart = { ttlMs: 31_000, sinceMs: Date.now() + 5 };
      expect(await nonces.claim(["used"], sinceStart)).toBe(true);
      await redis.del(...(await keysOf(prefix)));
      await new Promise((resolve) => setTimeout(resolve, 20));
      for (const value of ["used", "fresh"]) expect(await nonces.claim([value], sinceStart)).toBe(false);
      expect(await nonces.claim(["older"], before)).toBe(false);
      for (const value of ["used", "fresh"]) expect(await nonces.claim([value], terms())).toBe(true);
    });

    test("an instance whose clock runs ahead starts the memory at its own time", async () => {
      const prefix = newPrefix();
      const ahead = Date.now() + 600_000;
      const nonces = redisNonces({ redis, prefix });
      vi.useFakeTimers({ toFake: ["Date"], now: ahead });
      await nonces.claim(["warm"], terms());
      vi.useRealTimers();
      expect(await nonces.claim(["value"], terms())).toBe(false);
      expect(await nonces.claim(["value"], { ttlMs: 31_000, sinceMs: ahead })).toBe(true);
    });
  });

  test("a Redis that has lost the scripts is given them again", async () => {
    const nonces = redisNonces({ redis, prefix: newPrefix() });
    const terms = { ttlMs: 1000, sinceMs: Date.now() + 60_000 };
    expect(await nonces.claim(["one"], terms)).toBe(true);
    await redis.script("FLUSH");
    expect(await nonces.claim(["one"], terms)).toBe(false);
    expect(await nonces.claim(["two"], terms)).toBe(true);
  });

  test("a client that begins every key with a text of its own works too", async () => {
    const prefix = newPrefix();
    const client = new Redis(REDIS_URL, { keyPrefix: `${prefix}host:` });
    const nonces = redisNonces({ redis: client, prefix: "registry:" });
    expect(await nonces.claim(["one"], { ttlMs: 1000, sinceMs: Date.now() + 60_000 })).toBe(true);
    expect((await keysOf(prefix)).every((key) => key.startsWith(`${prefix}host:registry:`))).toBe(true);
    client.disconnect();
  });

  test("of two processes one wins every claim, and a limit is a limit for both", { timeout: 60_000 }, async () => {
    await expectOneWinner({ store: "redis", address: REDIS_URL, prefix: newPrefix() });
  });
});
