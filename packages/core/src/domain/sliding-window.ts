import { createHash } from "node:crypto";

/** Attempts that count as one point in time: the latest of them. */
export interface Run {
  at: number;
  count: number;
}

/** What one attempt came to, and whether its runs are other ones now. */
export interface Attempt {
  allowed: boolean;
  remaining: number;
  retryAfterMs: number;
  changed: boolean;
}

/** Runs kept per counter. Up to this limit every attempt has its own; above, a run covers a 16th of the window. */
const maxRuns = 16;

/**
 * Counts one attempt among the earlier ones, oldest first; `runs` is brought up to date in place. No window of any length
 * holds more than the limit; with limits above 16 an attempt may come free up to a 16th of the window late.
 */
export function countAttempt(runs: Run[], now: number, rule: { limit: number; windowMs: number }): Attempt {
  const { used, changed } = forgetOld(runs, now, rule.windowMs);
  if (used >= rule.limit) {
    const oldest = runs[0]?.at ?? now;
    return { allowed: false, remaining: 0, retryAfterMs: Math.max(1, oldest + rule.windowMs - now), changed };
  }
  const grainMs = grainOf(rule);
  const last = runs.at(-1);
  if (last && Math.floor(last.at / grainMs) === Math.floor(now / grainMs)) {
    last.at = now;
    last.count += 1;
  } else {
    runs.push({ at: now, count: 1 });
  }
  return { allowed: true, remaining: rule.limit - used - 1, retryAfterMs: 0, changed: true };
}

/** Attempts so close to each other count as one point in time, so that a counter stays small whatever the limit. */
export function grainOf({ limit, windowMs }: { limit: number; windowMs: number }): number {
  return limit > maxRuns ? Math.ceil(windowMs / maxRuns) : 1;
}

/** One name per rule and key, of the same length whatever a caller sends as key, and telling nothing of it. */
export function counterName(ruleName: string, key: string): string {
  return createHash("sha256").update(`${ruleName}\0${key}`).digest("hex");
}

function forgetOld(runs: Run[], now: number, windowMs: number): { used: number; changed: boolean } {
  let gone = 0;
  let used = 0;
  let changed = false;
  for (const run of runs) {
    // A clock that was set back must not lock anybody out until it has caught up.
    if (run.at > now) changed = true;
    run.at = Math.min(run.at, now);
    if (run.at <= now - windowMs) gone += 1;
    else used += run.count;
  }
  if (gone > 0) runs.splice(0, gone);
  return { used, changed: changed || gone > 0 };
}
