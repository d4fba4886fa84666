import { setTimeout as delay } from "node:timers/promises";
import { type MigrationProvider, Migrator } from "kysely/migration";
import type { Database } from "../../../ports/database.ts";

/** Attempts when others, who do the same on another node of a cluster, are in the way. */
const maxAttempts = 5;

/**
 * Brings a MySQL schema up to date, one process after the other: who waits finds everything done. Every step can be repeated,
 * so that a migration that was cut short is completed by the next one.
 */
export async function migrateMysql(database: Database, provider: MigrationProvider): Promise<string[]> {
  for (let attempt = 1; ; attempt++) {
    const { error, results } = await new Migrator({ db: database.reader, provider }).migrateToLatest();
    if (error === undefined) return (results ?? []).map((result) => result.migrationName);
    if (attempt === maxAttempts || !isInTheWay(database, error)) throw error;
    await delay(attempt * (100 + Math.random() * 200));
  }
}

/** The row that says "done" is there already, or the engine had to choose between the two. */
function isInTheWay(database: Database, error: unknown): boolean {
  return database.isUniqueViolation(error) || database.outage(error) === "unavailable";
}
