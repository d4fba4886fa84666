import { type RawBuilder, sql, type TableMetadata } from "kysely";
import { expect } from "vitest";
import { migrate } from "../../db/migrations/index.ts";
import { foldAccount, foldName } from "../../domain/names.ts";
import { toRowTime } from "../../domain/times.ts";
import type { Database, Tx } from "../../ports/database.ts";
import type { Tables } from "../../ports/tables.ts";

/** What the suite is given for each test. */
export interface DatabaseHarness {
  /** A database without any table, or with all of them and no row in them. */
  database: Database;
  /** Another object on the same data, with connections of its own. The suite closes it. */
  reopen?(): Promise<Database>;
}

/** Some moment, as the tables hold it. */
export const someTime: string = toRowTime(Date.UTC(2025, 0, 15, 12, 0, 0, 789));

/** The harness's database with all tables. */
export async function migrated({ database }: DatabaseHarness): Promise<Database> {
  await migrate(database);
  return database;
}

/** Runs `work` with another object on the same data. */
export async function withSecond<T>(harness: DatabaseHarness, work: (second: Database) => Promise<T>): Promise<T> {
  if (harness.reopen === undefined) throw new Error("This harness has no reopen(): skip the test and say why");
  const second = await harness.reopen();
  try {
    return await work(second);
  } finally {
    await second.close();
  }
}

/** Adds a user and says under which id. */
export async function addUser(tx: Tx, username: string): Promise<number> {
  const email = `${username}@example.com`;
  const keys = { username_key: foldAccount(username), email_key: foldAccount(email) };
  const row = { username, email, ...keys, password_hash: "", created_at: someTime };
  return Number((await tx.insertInto("Users").values(row).executeTakeFirstOrThrow()).insertId);
}

/** Adds a package and says under which id. */
export async function addPackage(tx: Tx, name: string): Promise<number> {
  const row = { name, name_key: foldName(name), type: "component", create_time: someTime, update_time: someTime };
  return Number((await tx.insertInto("Packages").values(row).executeTakeFirstOrThrow()).insertId);
}

/** Adds a version that readers see and says under which id. */
export async function addVersion(tx: Tx, packageId: number, version: string): Promise<number> {
  const row = { package_id: packageId, version, version_key: version, edition: "3.0.0", status: "active" };
  const result = await tx
    .insertInto("Versions")
    .values({ ...row, created_at: someTime })
    .executeTakeFirstOrThrow();
  return Number(result.insertId);
}

/** Names of all users, sorted by id. */
export async function usernames(database: Database): Promise<string[]> {
  const rows = await database.reader.selectFrom("Users").select("username").orderBy("id").execute();
  return rows.map((row) => row.username);
}

/** What `work` in a transaction of its own is refused with. Fails the test when it is not refused. */
export async function refusal(database: Database, work: (tx: Tx) => Promise<unknown>): Promise<unknown> {
  let failure: unknown;
  await database.write(work).catch((error: unknown) => {
    failure = error ?? new Error("rejected with nothing");
  });
  expect(failure, "the database refuses").toBeInstanceOf(Error);
  return failure;
}

/** How many rows a table has. */
export async function countRows(database: Database, table: keyof Tables): Promise<number> {
  const row = await database.reader
    .selectFrom(table)
    .select((eb) => eb.fn.countAll().as("count"))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Every table of the database and its columns. */
export function tablesOf(database: Database): Promise<TableMetadata[]> {
  return database.reader.introspection.getTables({ withInternalKyselyTables: true });
}

/** The columns and values of an INSERT. */
export function pairs(values: Readonly<Record<string, unknown>>): RawBuilder<unknown> {
  const [columns, items] = [Object.keys(values), Object.values(values)];
  return sql`(${sql.join(columns.map((column) => sql.ref(column)))}) values (${sql.join(items)})`;
}
