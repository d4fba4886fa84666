import { type Kysely, sql } from "kysely";
import type { Tx } from "../../ports/database.ts";
import type { Tables } from "../../ports/tables.ts";
import { indexPackage } from "../package-index.ts";

/**
 * Searches walk the catalogue in the order of their answer: an index in that order, and tables of terms in place of the
 * full-text index, which can neither be asked for one package nor how common a term is.
 */
export async function orderSearches(db: Kysely<Tables>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
  await indexAllPackages(db as Tx);
}

const statements = [
  "DROP TABLE PackageSearch",
  "CREATE TABLE PackageSearch (rowid INTEGER PRIMARY KEY, name TEXT NOT NULL, terms TEXT NOT NULL)",
  `CREATE TABLE PackageTerms (
    term TEXT NOT NULL,
    package_id INTEGER NOT NULL,
    PRIMARY KEY (term, package_id)
  ) WITHOUT ROWID`,
  "CREATE INDEX PackageSearch_name ON PackageSearch(name)",
  "CREATE INDEX Packages_order ON Packages(downloads_count DESC, name, visibility, latest_version_id)",
];

/** Brings the search index of every package up to date. Can be repeated. */
export async function indexAllPackages(tx: Tx): Promise<void> {
  const packages = await tx.selectFrom("Packages").select(["id", "latest_version_id"]).orderBy("id").execute();
  for (const { id, latest_version_id } of packages) await indexPackage(tx, id, latest_version_id !== null);
}
