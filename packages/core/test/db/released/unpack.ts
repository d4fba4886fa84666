import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { createConnection } from "mysql2/promise";
import type { TestDatabase } from "../../mysql/databases.ts";
import { type Answers, keptFiles } from "./life.ts";

/** The releases whose databases are kept, the oldest first. */
export const releases: readonly string[] = readdirSync(import.meta.dirname)
  .flatMap((name) => /^(\d{4})\.db\.gz$/.exec(name)?.[1] ?? [])
  .sort();

/**
 * Migrations that came after the newest of those: a release with them has not been made. Empty where it is about to be, see
 * CONTRIBUTING.md; a migration that was ever in a release is never named here again.
 */
export const unreleased: readonly string[] = [];

/** What a release answered from the database that is kept of it. */
export function answersOf(release: string): Answers {
  return JSON.parse(gunzipSync(readFileSync(keptFiles(release).answers)).toString("utf8"));
}

/** Writes the SQLite file of a release to `path`. */
export function makeReleased(release: string, path: string): void {
  writeFileSync(path, gunzipSync(readFileSync(keptFiles(release).sqlite)));
}

/** Fills an empty MySQL database with what a release left; the dump is of MariaDB, and MySQL calls the collation otherwise. */
export async function makeReleasedOnMysql(release: string, place: TestDatabase): Promise<void> {
  const dump = gunzipSync(readFileSync(keptFiles(release).mysql)).toString("utf8");
  const [{ found } = {}] = await place.run(
    "SELECT count(*) AS found FROM information_schema.collations WHERE collation_name = 'utf8mb4_nopad_bin'",
  );
  const text = Number(found) > 0 ? dump : dump.replaceAll("utf8mb4_nopad_bin", "utf8mb4_0900_bin");
  const connection = await createConnection({ uri: place.uri, multipleStatements: true, charset: "utf8mb4" });
  try {
    await connection.query(`SET foreign_key_checks = 0; ${text.replace(/^\/\*M!.*$/m, "")}`);
  } finally {
    await connection.end();
  }
}
