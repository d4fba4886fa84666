import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { countAttempt, type Run } from "../domain/sliding-window.ts";
import { type Clock, systemClock } from "../ports/clock.ts";
import type { RateLimiter, RateRule } from "../ports/rate-limiter.ts";

/** Settings of {@link memoryRateLimiter}. */
export interface MemoryRateLimiterOptions {
  clock?: Clock;
  /** Counters held at most (default 50,000, some 20 MiB); those unused for longest are forgotten first. */
  maxKeys?: number;
}

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
      const name = shortName(rule, key);
      const known = counters.get(name);
      const runs = known ?? [];
      const { allowed, remaining, retryAfterMs } = countAttempt(runs, clock.now(), rule);
      if (known === undefined && allowed) counters.set(name, runs);
      return { allowed, remaining, retryAfterMs };
    },
  };
}

/** One name per rule and key, short whatever the caller sends as key. Most are short, and hashing those would cost more. */
function shortName(rule: RateRule, key: string): string {
  const short = key.length <= MAX_KEY_CHARACTERS ? key : createHash("sha256").update(key).digest("base64");
  return `${rule.name}\0${short}`;
}
