import { type Kysely, sql } from "kysely";
import { type Migration, type MigrationProvider, Migrator } from "kysely/migration";
import type { Database } from "../../ports/database.ts";
import type { Tables } from "../../ports/tables.ts";
import { engineOf } from "../engine.ts";
import { createDocumentedTables } from "./0001-documented-tables.ts";
import { addRegistryColumns } from "./0002-registry-columns.ts";
import { takeOver } from "./0003-take-over.ts";
import { addEvents } from "./0004-events.ts";
import { addExpiryIndexes, addExpiryIndexesOnMysql } from "./0005-expiry-indexes.ts";
import { orderSearches } from "./0006-search-order.ts";
import { createDocumentedTablesOnMysql } from "./mysql/documented-tables.ts";
import { addEventsOnMysql } from "./mysql/events.ts";
import { migrateMysql } from "./mysql/migrate.ts";
import { addRegistryColumnsOnMysql } from "./mysql/registry-columns.ts";
import { orderSearchesOnMysql } from "./mysql/search-order.ts";

/** Every change of the schema, in order. Released entries never change; new ones are added at the end. */
const migrations: Record<string, Migration> = {
  "0001-documented-tables": {
    up: (db) => (engineOf(db) === "mysql" ? createDocumentedTablesOnMysql(db) : createDocumentedTables(db)),
  },
  "0002-registry-columns": {
    up: (db) => (engineOf(db) === "mysql" ? addRegistryColumnsOnMysql(db) : addRegistryColumns(db)),
  },
  "0003-take-over": {
    up: (db) => (engineOf(db) === "mysql" ? (db as Kysely<Tables>).transaction().execute(takeOver) : takeOver(db)),
  },
  "0004-events": {
    up: (db) => (engineOf(db) === "mysql" ? addEventsOnMysql(db) : addEvents(db)),
  },
  "0005-expiry-indexes": {
    up: (db) => (engineOf(db) === "mysql" ? addExpiryIndexesOnMysql(db) : addExpiryIndexes(db)),
  },
  "0006-search-order": {
    up: (db) => (engineOf(db) === "mysql" ? orderSearchesOnMysql(db) : orderSearches(db)),
  },
};

/** Names of all migrations, the oldest first. */
export const migrationNames: readonly string[] = Object.keys(migrations);

/** How a database's schema stands to the one that this release works with. */
export type SchemaState = "current" | "behind" | "ahead";

/** Asks a database for its schema. Rejects when the database does not answer. */
export async function schemaState(database: Database): Promise<SchemaState> {
  const made = await sql<{ name: string }>`select name from kysely_migration`
    .execute(database.reader)
    .catch((error: unknown) => {
      if (database.outage(error) !== null) throw error;
      // There is no such table before the first migration.
      return { rows: [] };
    });
  const names = new Set(made.rows.map(({ name }) => name));
  if (migrationNames.some((name) => !names.has(name))) return "behind";
  return names.size > migrationNames.length ? "ahead" : "current";
}

const provider: MigrationProvider = { getMigrations: async () => migrations };

/**
 * Brings the schema up to date and names what was done; nothing when there is nothing to do. Where the engine can, all of it
 * happens or nothing; MySQL commits each step, and what was cut short is completed the next time.
 * A database that a newer release has migrated is refused.
 */
export async function migrate(database: Database): Promise<string[]> {
  if (database.engine === "mysql") return migrateMysql(database, provider);
  return database.write(async (tx) => {
    const { error, results } = await new Migrator({ db: tx, provider }).migrateToLatest();
    // Thrown inside, so that what the earlier steps did is rolled back with it.
    if (error !== undefined) throw error;
    return (results ?? []).map((result) => result.migrationName);
  });
}
