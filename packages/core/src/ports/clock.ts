/** The only source of "now". */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
}

/** The machine's clock; right for everything but tests. */
export const systemClock: Clock = { now: () => Date.now() };
