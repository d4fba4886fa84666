import type { Executor, Tx } from "../ports/database.ts";
import { engineOf } from "./engine.ts";
import { prepared } from "./prepared.ts";

/** The runs of a counter as JSON, as they are now. */
export const findCounter = prepared<{ counter: string }, { runs: string }>((db, { counter }) =>
  db.selectFrom("RateCounters").select("runs").where("counter", "=", counter),
);

/** The runs of a counter as JSON; nobody else changes them before the transaction ends. */
export async function lockCounter(tx: Tx, counter: string): Promise<string | undefined> {
  const row = await tx
    .selectFrom("RateCounters")
    .select("runs")
    .where("counter", "=", counter)
    // SQLite has one writer at a time anyway.
    .$if(engineOf(tx) === "mysql", (query) => query.forUpdate())
    .executeTakeFirst();
  return row?.runs;
}

/** What is kept of one counter. */
export interface CounterRow {
  counter: string;
  runs: string;
  expires_at: number;
}

/** Adds a counter. Fails with a unique violation when there is one. */
export async function insertCounter(tx: Tx, row: CounterRow): Promise<void> {
  await tx.insertInto("RateCounters").values(row).execute();
}

/** Replaces what is kept of a counter. */
export async function updateCounter(tx: Tx, { counter, ...values }: CounterRow): Promise<void> {
  await tx.updateTable("RateCounters").set(values).where("counter", "=", counter).execute();
}

/** Up to `limit` counters that nothing is left of, the oldest first. */
export async function listExpiredCounters(db: Executor, now: number, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom("RateCounters")
    .select("counter")
    .where("expires_at", "<=", now)
    .orderBy("expires_at")
    .limit(limit)
    .execute();
  return rows.map((row) => row.counter);
}

/** Removes those of the counters that nothing is left of; says how many these were. */
export async function deleteCountersIfExpired(tx: Tx, counters: readonly string[], now: number): Promise<number> {
  if (counters.length === 0) return 0;
  const result = await tx
    .deleteFrom("RateCounters")
    .where("counter", "in", counters)
    .where("expires_at", "<=", now)
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}
