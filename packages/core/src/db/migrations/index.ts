import type { Kysely } from "kysely";
import { type Migration, type MigrationProvider, Migrator } from "kysely/migration";
import type { Database } from "../../ports/database.ts";
import type { Tables } from "../../ports/tables.ts";
import { createDocumentedTables } from "./0001-documented-tables.ts";
import { addRegistryColumns } from "./0002-registry-columns.ts";
import { takeOver } from "./0003-take-over.ts";

/** Every change of the schema, in order. Released entries never change; new ones are added at the end. */
const migrations: Record<string, Migration> = {
  "0001-documented-tables": { up: createDocumentedTables },
  "0002-registry-columns": { up: addRegistryColumns },
  "0003-take-over": { up: (db) => takeOver(db as Kysely<Tables>) },
};

const provider: MigrationProvider = { getMigrations: async () => migrations };

/**
 * Brings the schema up to date and names what was done. Does all of it or nothing, and nothing when there is nothing to do.
 * A database that a newer release has migrated is refused.
 */
export async function migrate(database: Database): Promise<string[]> {
  return database.write(async (tx) => {
    const { error, results } = await new Migrator({ db: tx, provider }).migrateToLatest();
    // Thrown inside, so that what the earlier steps did is rolled back with it.
    if (error !== undefined) throw error;
    return (results ?? []).map((result) => result.migrationName);
  });
}
