import { findCounter, insertCounter, lockCounter, updateCounter } from "../db/rate-counters.ts";
import { countAttempt, counterName, type Run } from "../domain/sliding-window.ts";
import { RegistryError } from "../errors.ts";
import { memoryRateLimiter } from "../memory/rate-limiter.ts";
import { type Clock, systemClock } from "../ports/clock.ts";
import type { Database, Tx } from "../ports/database.ts";
import type { RateLimiter, RateRule, RateVerdict } from "../ports/rate-limiter.ts";
import { everyNth, removeExpiredCounters } from "./expired.ts";

const attemptsPerCleaning = 200;
/** Two that make the same counter at once are in each other's way once, then it is there. */
const mostTries = 5;

/**
 * Counts attempts in the registry's database, over a sliding window, for all instances that share it together. Never allows
 * more than the limit, but for as much as the instances' clocks differ; with limits above 16 an attempt may come free up to
 * a 16th of the window late. An attempt that is allowed costs a transaction, one that is refused a read: where reads are many,
 * Redis or memory suit better.
 * @throws unavailable `take`, when others are in the way again and again
 */
export function databaseRateLimiter(database: Database, clock: Clock = systemClock): RateLimiter {
  const local = memoryRateLimiter({ clock });
  const clean = everyNth(attemptsPerCleaning, () => removeExpiredCounters(database, clock.now()));

  async function count(tx: Tx, rule: RateRule, counter: string): Promise<RateVerdict> {
    const known = await lockCounter(tx, counter);
    const runs = parseRuns(known);
    const now = clock.now();
    const { changed, ...verdict } = countAttempt(runs, now, rule);
    if (!changed) return verdict;
    const row = { counter, runs: formatRuns(runs), expires_at: now + Math.ceil(rule.windowMs) };
    await (known === undefined ? insertCounter(tx, row) : updateCounter(tx, row));
    return verdict;
  }

  async function take(rule: RateRule, counter: string): Promise<RateVerdict> {
    const refusal = await refusalOf(rule, counter);
    if (refusal !== null) return refusal;
    for (let tries = 1; tries <= mostTries; tries += 1) {
      try {
        return await database.write((tx) => count(tx, rule, counter));
      } catch (error) {
        if (!database.isUniqueViolation(error)) throw error;
      }
    }
    throw new RegistryError("unavailable", { retryAfterMs: 1000 });
  }

  /** A full counter is refused by reading alone, so that a flood of attempts writes nothing. */
  async function refusalOf(rule: RateRule, counter: string): Promise<RateVerdict | null> {
    const [row] = await findCounter(database, { counter });
    const now = clock.now();
    const runs = parseRuns(row?.runs);
    // Times to come are set right, and written so, below.
    if (runs.some((run) => run.at > now)) return null;
    const { changed: _, ...verdict } = countAttempt(runs, now, rule);
    return verdict.allowed ? null : verdict;
  }

  return {
    async take(rule, key) {
      try {
        const verdict = await take(rule, counterName(rule.name, key));
        if (verdict.allowed) await clean();
        return verdict;
      } catch (error) {
        if (rule.outage === "local" && database.outage(error) !== null) return local.take(rule, key);
        throw error;
      }
    },
  };
}

/** `[at, count, at, count, …]`. */
function parseRuns(text: string | undefined): Run[] {
  const numbers = JSON.parse(text ?? "[]") as number[];
  const runs: Run[] = [];
  for (let index = 0; index + 1 < numbers.length; index += 2) {
    runs.push({ at: numbers[index] ?? 0, count: numbers[index + 1] ?? 0 });
  }
  return runs;
}

function formatRuns(runs: readonly Run[]): string {
  return JSON.stringify(runs.flatMap(({ at, count }) => [at, count]));
}
