/** How often something may happen: at most `limit` times in any window of `windowMs` milliseconds. */
export interface RateRule {
  /** Name of the rule; counters of different rules never mix. */
  name: string;
  limit: number;
  windowMs: number;
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
  /** Counts one attempt of `key` under `rule` and says whether it may go on, in one atomic step. */
  take(rule: RateRule, key: string): Promise<RateVerdict>;
}
