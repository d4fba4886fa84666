import type { Clock } from "../ports/clock.ts";

/** A clock that moves only when told to. */
export interface StandingClock extends Clock {
  /** Moves the clock by `ms` milliseconds; a negative number sets it back. */
  advance(ms: number): void;
}

/** A {@link StandingClock} that starts at `startMs` (by default some moment in 2025). */
export function standingClock(startMs: number = Date.UTC(2025, 0, 15, 12, 0, 0)): StandingClock {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    advance(ms) {
      nowMs += ms;
    },
  };
}
