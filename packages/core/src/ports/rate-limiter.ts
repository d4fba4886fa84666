/** How often something may happen: at most `limit` times in any window of `windowMs` milliseconds. */
export interface RateRule {
  /** Name of the rule; counters of different rules never mix. */
  name: string;
  limit: number;
  windowMs: number;
  /**
   * What holds while shared counters cannot be reached. `refuse` (default): nothing may go on. `local`: every instance
   * counts in its own memory meanwhile, so that much may happen once per instance.
   */
  outage?: "refuse" | "local";
}

/** What became of one attempt. */
export interface RateVerdict {
  allowed: boolean;
  /** Attempts left before the next one is refused. */
  remaining: number;
  /** Milliseconds until an attempt can be allowed again; 0 when this one was. */
  retryAfterMs: number;
}

/** Counts attempts per rule and key. */
export interface RateLimiter {
  /**
   * Counts one attempt of `key` under `rule` and says whether it may go on, in one atomic step. An attempt that is refused
   * does not count. Rejects when the counters cannot be reached and the rule does not say otherwise.
   */
  take(rule: RateRule, key: string): Promise<RateVerdict>;
  /** Asks whatever counts whether it answers, and rejects when not. Left out: it is the registry's own database, or memory. */
  check?(): Promise<void>;
}
