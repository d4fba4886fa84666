import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import { migrate } from "../db/migrations/index.ts";
import type { Database, Executor, Tx } from "../ports/database.ts";
import { sqlite } from "../sqlite/index.ts";
import { scratchFolder } from "../sqlite/scratch-folder.ts";
import { snapshotFile } from "../sqlite/snapshot.ts";

/** A copy of the original's database that was brought up to date. */
export interface Original {
  database: Database;
  /** Rows of tables that the migration makes fewer, as they were before. */
  before: { tokens: number; roles: number; ratings: number };
  /** Removes the copy. */
  close(): Promise<void>;
}

/**
 * Copies the original's database to a temporary file and migrates the copy. The same rows give the same copy. What a killed import has
 * left of such copies is removed first.
 * @throws Error with what to do when it is no database of the original
 */
export async function openOriginal(path: string, signal: AbortSignal | undefined): Promise<Original> {
  const folder = await scratchFolder("registry-import-");
  let database: Database | undefined;
  try {
    const copyPath = join(folder.path, "original.db");
    await takeSnapshot(path, copyPath, signal);
    database = sqlite({ path: copyPath, durability: "normal" });
    const before = await prepare(database, path);
    const opened = database;
    return {
      ...{ database, before },
      async close() {
        await opened.close();
        await folder.remove();
      },
    };
  } catch (error) {
    await database?.close();
    await folder.remove();
    throw error;
  }
}

async function takeSnapshot(path: string, copyPath: string, signal: AbortSignal | undefined): Promise<void> {
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) throw new Error(`There is no file ${path}`);
  try {
    await snapshotFile(path, copyPath, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${path} cannot be read as a SQLite database: ${reason}`, { cause: error });
  }
}

async function prepare(database: Database, path: string): Promise<Original["before"]> {
  await requireOriginal(database.reader, path);
  const before = {
    tokens: await countIn(database.reader, "Tokens"),
    roles: await countIn(database.reader, "PackageMaintainers"),
    ratings: await countIn(database.reader, "PackageRatings"),
  };
  const identity = await identityOf(database.reader);
  await database.write(fillTimes);
  await migrate(database);
  await database.write((tx) => setIdentity(tx, identity));
  return before;
}

async function requireOriginal(db: Executor, path: string): Promise<void> {
  const names = (await db.introspection.getTables({ withInternalKyselyTables: true })).map(({ name }) => name);
  if (names.includes("kysely_migration"))
    throw new Error(`${path} is a database of this registry already: give its archives alone, or copy the registry`);
  const missing = ["Users", "Packages", "Versions"].filter((table) => !names.includes(table));
  if (missing.length > 0) throw new Error(`${path} is no database of the original: it has no ${missing.join(", ")}`);
}

async function countIn(db: Executor, table: string): Promise<number> {
  if (!(await db.introspection.getTables()).some(({ name }) => name === table)) return 0;
  const query = sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`;
  return Number((await query.execute(db)).rows[0]?.count ?? 0);
}

/** Tells one original from another: who was there first, and since when. */
async function identityOf(db: Executor): Promise<string> {
  const first = await db.selectFrom("Users").select(["username", "created_at"]).orderBy("id").limit(1).execute();
  return createHash("sha256").update(JSON.stringify(first)).digest("hex");
}

/** What tells databases apart is when they were first migrated; copies of one original are the same database. */
async function setIdentity(tx: Tx, identity: string): Promise<void> {
  const timestamp = `original ${identity}`;
  await sql`update kysely_migration set timestamp = ${timestamp}
    where name = (select min(name) from kysely_migration)`.execute(tx);
}

const timeColumns = {
  Users: ["created_at"],
  Packages: ["create_time", "update_time"],
  Versions: ["created_at"],
  Changelogs: ["created_at"],
  PackageRatings: ["created_at"],
  AuditLogs: ["created_at"],
} as const;

/** Times that are missing would become the moment of the migration, another one in each run. */
async function fillTimes(tx: Tx): Promise<void> {
  const query = sql<{ oldest: string | null }>`select min(oldest) as oldest from (
    select min(created_at) as oldest from Users union all select min(create_time) from Packages
    union all select min(created_at) from Versions) as times`;
  const oldest = (await query.execute(tx)).rows[0]?.oldest ?? "1970-01-01 00:00:00";
  const there = new Set((await tx.introspection.getTables()).map(({ name }) => name));
  for (const [table, columns] of Object.entries(timeColumns)) {
    if (!there.has(table)) continue;
    for (const column of columns) {
      const [name, time] = [sql.table(table), sql.ref(column)];
      await sql`update ${name} set ${time} = ${oldest} where ${time} is null`.execute(tx);
    }
  }
}
