import { deleteNoncesIfExpired, listExpiredNonces } from "../db/nonces.ts";
import { deleteCountersIfExpired, listExpiredCounters } from "../db/rate-counters.ts";
import { deleteExpiredTokens } from "../db/tokens.ts";
import { toRowTime } from "../domain/times.ts";
import type { Database } from "../ports/database.ts";

/** Rows removed in one transaction: few enough to hold nobody up. */
const batchRows = 500;

/** Removes up to 500 one-time values whose time is over; says how many. Call it again while it removes that many. */
export async function removeExpiredNonces(database: Database, now: number): Promise<number> {
  const hashes = await listExpiredNonces(database.reader, now, batchRows);
  if (hashes.length === 0) return 0;
  return database.write((tx) => deleteNoncesIfExpired(tx, hashes.sort(), now));
}

/** Removes up to 500 rate counters that nothing is left of; says how many. Call it again while it removes that many. */
export async function removeExpiredCounters(database: Database, now: number): Promise<number> {
  const counters = await listExpiredCounters(database.reader, now, batchRows);
  if (counters.length === 0) return 0;
  return database.write((tx) => deleteCountersIfExpired(tx, counters.sort(), now));
}

/** Removes up to 500 tokens whose time is over; says how many. Call it again while it removes that many. */
export async function removeExpiredTokens(database: Database, now: number): Promise<number> {
  return database.write((tx) => deleteExpiredTokens(tx, { now: toRowTime(now), limit: batchRows }));
}

/**
 * Does `work` at every `turns`th call, for tables that are cleaned by those who fill them. A failure is left to the next time:
 * what the caller came for is done already.
 */
export function everyNth(turns: number, work: () => Promise<unknown>): () => Promise<void> {
  let calls = 0;
  return async () => {
    calls += 1;
    if (calls % turns === 0) await work().catch(() => undefined);
  };
}
