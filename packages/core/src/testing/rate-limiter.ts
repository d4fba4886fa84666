import { expect } from "vitest";
import type { RateLimiter, RateRule } from "../ports/rate-limiter.ts";
import { type Behaviours, describeBehaviours, type Skip } from "./behaviours.ts";
import { type StandingClock, standingClock } from "./clock.ts";

interface Harness {
  limiter: RateLimiter;
  clock: StandingClock;
}

const rule: RateRule = { name: "login", limit: 5, windowMs: 60_000 };

async function takeMany(limiter: RateLimiter, count: number, by: RateRule = rule): Promise<number> {
  let allowed = 0;
  for (let index = 0; index < count; index += 1) {
    if ((await limiter.take(by, "key")).allowed) allowed += 1;
  }
  return allowed;
}

const behaviours: Behaviours<Harness> = {
  "allows as many attempts as the limit, then refuses": async ({ limiter }) => {
    for (let left = rule.limit - 1; left >= 0; left -= 1) {
      expect(await limiter.take(rule, "key")).toEqual({ allowed: true, remaining: left, retryAfterMs: 0 });
    }
    const verdict = await limiter.take(rule, "key");
    expect(verdict).toMatchObject({ allowed: false, remaining: 0 });
    expect(verdict.retryAfterMs).toBeGreaterThan(0);
    expect(verdict.retryAfterMs).toBeLessThanOrEqual(rule.windowMs);
  },

  "allows again after the time it named, and not before": async ({ limiter, clock }) => {
    await takeMany(limiter, rule.limit);
    const { retryAfterMs } = await limiter.take(rule, "key");
    clock.advance(retryAfterMs - 1);
    expect((await limiter.take(rule, "key")).allowed).toBe(false);
    clock.advance(1);
    expect((await limiter.take(rule, "key")).allowed).toBe(true);
  },

  "forgets everything once a whole window has passed": async ({ limiter, clock }) => {
    await takeMany(limiter, rule.limit);
    clock.advance(rule.windowMs + 1);
    expect(await takeMany(limiter, rule.limit + 1)).toBe(rule.limit);
  },

  "never allows more than the limit in any window, wherever the window begins": async ({ limiter, clock }) => {
    const stepMs = 700;
    const allowedAt: number[] = [];
    for (let index = 0; index < 400; index += 1) {
      if ((await limiter.take(rule, "key")).allowed) allowedAt.push(clock.now());
      clock.advance(index % 90 < 45 ? stepMs : stepMs * 3);
    }
    const busiest = allowedAt.map((from) => allowedAt.filter((at) => at >= from && at < from + rule.windowMs).length);
    expect(Math.max(...busiest)).toBe(rule.limit);
  },

  "does not hold refused attempts against the key": async ({ limiter, clock }) => {
    await takeMany(limiter, rule.limit);
    clock.advance(rule.windowMs - 1);
    expect(await takeMany(limiter, 50)).toBe(0);
    clock.advance(2);
    expect((await limiter.take(rule, "key")).allowed).toBe(true);
  },

  "counts every key by itself": async ({ limiter }) => {
    await takeMany(limiter, rule.limit);
    expect((await limiter.take(rule, "key")).allowed).toBe(false);
    expect((await limiter.take(rule, "other")).allowed).toBe(true);
    expect((await limiter.take(rule, "KEY")).allowed).toBe(true);
  },

  "never mixes counters of different rules": async ({ limiter }) => {
    await takeMany(limiter, rule.limit);
    expect((await limiter.take({ ...rule, name: "search" }, "key")).allowed).toBe(true);
    expect((await limiter.take({ ...rule, name: "log" }, "in:key")).allowed).toBe(true);
  },

  "lets exactly the limit through when many attempts come at once": async ({ limiter }) => {
    const verdicts = await Promise.all(Array.from({ length: 40 }, () => limiter.take(rule, "key")));
    expect(verdicts.filter((verdict) => verdict.allowed)).toHaveLength(rule.limit);
  },

  "keeps a generous limit": async ({ limiter, clock }) => {
    const generous: RateRule = { name: "reads", limit: 300, windowMs: 60_000 };
    expect(await takeMany(limiter, 310, generous)).toBe(300);
    clock.advance(generous.windowMs + 1);
    expect(await takeMany(limiter, 310, generous)).toBe(300);
  },

  "allows an attempt of a generous limit at most a 16th of the window late, and never early": async ({
    limiter,
    clock,
  }) => {
    const generous: RateRule = { name: "search", limit: 40, windowMs: 3200 };
    const allowedAt: number[] = [];
    const since = (ms: number) => allowedAt.filter((at) => at > clock.now() - ms).length;
    for (let index = 0; index < 400; index += 1) {
      clock.advance((index * index) % 97);
      const { allowed } = await limiter.take(generous, "key");
      if (allowed) expect(since(generous.windowMs)).toBeLessThan(generous.limit);
      else expect(since((generous.windowMs * 17) / 16)).toBeGreaterThanOrEqual(generous.limit);
      if (allowed) allowedAt.push(clock.now());
    }
  },

  "tells keys apart by all of their characters, whatever these are": async ({ limiter }) => {
    const once: RateRule = { name: "once", limit: 1, windowMs: 1000 };
    const stem = "k".repeat(100_000);
    for (const key of [`${stem}1`, `${stem}2`, "k", "K", "k ", "k\0", "\u00e9", "e\u0301", "{k}", ""]) {
      expect((await limiter.take(once, key)).allowed).toBe(true);
      expect((await limiter.take(once, key)).allowed).toBe(false);
    }
  },

  "refuses everything when the limit is 0": async ({ limiter }) => {
    const closed: RateRule = { name: "closed", limit: 0, windowMs: 1000 };
    const verdict = await limiter.take(closed, "key");
    expect(verdict).toMatchObject({ allowed: false, remaining: 0 });
    expect(verdict.retryAfterMs).toBeGreaterThan(0);
  },

  "locks nobody out for longer than a window when the clock is set back": async ({ limiter, clock }) => {
    await takeMany(limiter, rule.limit);
    clock.advance(-24 * 60 * 60 * 1000);
    await limiter.take(rule, "key");
    clock.advance(rule.windowMs + 1);
    expect((await limiter.take(rule, "key")).allowed).toBe(true);
  },
};

/**
 * Registers the tests that every {@link RateLimiter} must pass.
 * `create` makes an empty limiter that reads the given clock.
 */
export function describeRateLimiter(
  name: string,
  options: {
    create(clock: StandingClock): Promise<{ limiter: RateLimiter; cleanup(): Promise<void> }>;
    skip?: readonly Skip[];
  },
): void {
  describeBehaviours<Harness>(name, behaviours, {
    skip: options.skip ?? [],
    async create() {
      const clock = standingClock();
      return { ...(await options.create(clock)), clock };
    },
  });
}
