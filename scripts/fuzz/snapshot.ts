import { createHash } from "node:crypto";
import type { BlobStorage, Database } from "@serverless-registry/core";
import { sql } from "kysely";

/** Columns and tables that may change without a change of the registry: counts, times of use, why an archive was refused. */
const lively: Readonly<Record<string, readonly string[]>> = {
  Packages: ["downloads_count"],
  Versions: ["downloads_count"],
  Uploads: ["refusal"],
  Tokens: ["last_used_at"],
  ApiKeys: ["last_used_at"],
};
const livelyTables = ["DownloadDays", "Nonces", "RateCounters", "sqlite_sequence"];

/** A digest of each table and of what the storage holds, by name. */
export async function takeSnapshot(database: Database, storage: BlobStorage): Promise<ReadonlyMap<string, string>> {
  const question = sql<{ name: string }>`select name from sqlite_master where type = 'table' order by name`;
  const tables = (await question.execute(database.reader)).rows.map(({ name }) => name);
  const snapshot = new Map<string, string>();
  for (const table of tables) {
    if (livelyTables.includes(table) || table.startsWith("PackageSearch")) continue;
    const { rows } = await sql<Record<string, unknown>>`select * from ${sql.id(table)}`.execute(database.reader);
    snapshot.set(table, digestOf(rows.map((row) => withoutLively(table, row))));
  }
  const blobs = await storage.list(null, 100_000);
  snapshot.set("the storage", digestOf(blobs.map(({ digest, size }) => [digest, size])));
  return snapshot;
}

/** Names of what differs. */
export function differences(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...after].filter(([name, digest]) => before.get(name) !== digest).map(([name]) => name);
}

function withoutLively(table: string, row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([column]) => !lively[table]?.includes(column)));
}

function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("base64url");
}
