import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { type Clock, systemClock } from "../ports/clock.ts";
import type { RateLimiter, RateRule } from "../ports/rate-limiter.ts";

/** Settings of {@link memoryRateLimiter}. */
export interface MemoryRateLimiterOptions {
  clock?: Clock;
  /** Counters held at most (default 50,000, some 20 MiB); those unused for longest are forgotten first. */
  maxKeys?: number;
}

/** Attempts that count as one point in time: the latest of them. */
interface Run {
  at: number;
  count: number;
}

/** Runs kept per counter. Up to this limit every attempt has its own; above, a run covers a 16th of the window. */
const MAX_RUNS = 16;
const MAX_KEY_CHARACTERS = 128;

/**
 * Counts attempts in this process's memory, over a sliding window. Never allows more than the limit; with limits above 16
 * an attempt may come free up to a 16th of the window late. Right for one process only: several allow several times as much.
 */
export function memoryRateLimiter(options: MemoryRateLimiterOptions = {}): RateLimiter {
  const { clock = systemClock, maxKeys = 50_000 } = options;
  const counters = new LRUCache<string, Run[]>({ max: maxKeys });

  return {
    // Nothing is awaited inside: that makes an attempt one atomic step.
    async take(rule, key) {
      const now = clock.now();
      const name = counterName(rule, key);
      const known = counters.get(name);
      const runs = known ?? [];
      const used = forgetOld(runs, now, rule.windowMs);
      if (used >= rule.limit) {
        const oldest = runs[0]?.at ?? now;
        return { allowed: false, remaining: 0, retryAfterMs: Math.max(1, oldest + rule.windowMs - now) };
      }
      count(runs, now, rule);
      if (known === undefined) counters.set(name, runs);
      return { allowed: true, remaining: rule.limit - used - 1, retryAfterMs: 0 };
    },
  };
}

/** Drops what left the window, and says how many attempts are still in it. */
function forgetOld(runs: Run[], now: number, windowMs: number): number {
  let gone = 0;
  let used = 0;
  for (const run of runs) {
    // A clock that was set back must not lock anybody out until it has caught up.
    run.at = Math.min(run.at, now);
    if (run.at <= now - windowMs) gone += 1;
    else used += run.count;
  }
  if (gone > 0) runs.splice(0, gone);
  return used;
}

function count(runs: Run[], now: number, rule: RateRule): void {
  const grainMs = rule.limit > MAX_RUNS ? Math.ceil(rule.windowMs / MAX_RUNS) : 1;
  const last = runs.at(-1);
  if (last && Math.floor(last.at / grainMs) === Math.floor(now / grainMs)) {
    last.at = now;
    last.count += 1;
  } else {
    runs.push({ at: now, count: 1 });
  }
}

/** One name per rule and key, short whatever the caller sends as key. */
function counterName(rule: RateRule, key: string): string {
  const short = key.length <= MAX_KEY_CHARACTERS ? key : createHash("sha256").update(key).digest("base64");
  return `${rule.name}\0${short}`;
}
