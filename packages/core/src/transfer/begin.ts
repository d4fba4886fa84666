import { createHash } from "node:crypto";
import { sql } from "kysely";
import { migrate } from "../db/migrations/index.ts";
import { toRowTime } from "../domain/times.ts";
import type { Database, Executor } from "../ports/database.ts";
import { plans } from "./plan.ts";
import type { CopiedTable } from "./rows.ts";

/** What a copy of the rows needs to know first. */
export interface Beginning {
  tables: readonly CopiedTable[];
  /** Whether an earlier run has begun this copy. */
  isResumed: boolean;
  /** Which source it is a copy of. */
  sourceId: string;
}

/**
 * Makes the target's tables, and sees to it that nothing is overwritten but a copy of this very source.
 * @throws Error when the source is not up to date, or the target is the source or holds anything else
 */
export async function beginCopy(from: Database, to: Database): Promise<Beginning> {
  const source = await identityOf(from.reader);
  if (source === null)
    throw new Error("The source is no registry of this kind: bring it up to date with migrate first");
  const isResumed = await isCopyOf(to, source.id);
  await migrate(to);
  const target = await identityOf(to.reader);
  if (target?.id === source.id) throw new Error("Source and target are the same database");
  if (target?.migrations !== source.migrations) {
    throw new Error("The source is not up to date: migrate it with the release that copies it");
  }
  if (!isResumed) await markCopy(to, source.id);
  return { tables: await commonTables(from.reader, to.reader), isResumed, sourceId: source.id };
}

/** Tells one database from every other for all its life: when its first tables were made. */
async function identityOf(db: Executor): Promise<{ id: string; migrations: string } | null> {
  if (!(await tableNames(db)).has("kysely_migration")) return null;
  const query = sql<{ name: string; timestamp: string }>`select name, timestamp from kysely_migration order by name`;
  const [first, ...others] = (await query.execute(db)).rows;
  if (first === undefined) return null;
  const id = createHash("sha256").update(`${first.name} ${first.timestamp}`).digest("hex");
  return { id, migrations: [first, ...others].map(({ name }) => name).join(" ") };
}

async function isCopyOf(to: Database, sourceId: string): Promise<boolean> {
  const names = await tableNames(to.reader);
  if (names.has("RegistryCopies")) {
    const query = sql<{ source: string }>`select source from RegistryCopies`;
    const known = (await query.execute(to.reader)).rows.map(({ source }) => source);
    if (known.includes(sourceId)) return true;
    if (known.length > 0) throw new Error("The target holds a copy of another registry");
  }
  if (names.has("Users") && !names.has("kysely_migration"))
    throw new Error("The target is a database of somebody else");
  for (const { table } of plans.filter((one) => names.has(one.table))) {
    const { rows } = await sql`select 1 from ${sql.table(table)} limit 1`.execute(to.reader);
    if (rows.length > 0) throw new Error("The target is in use: it has rows that no copy of this source put there");
  }
  return false;
}

async function markCopy(to: Database, sourceId: string): Promise<void> {
  const [table, columns] = [
    sql.table("RegistryCopies"),
    sql`source varchar(64) not null primary key, begun_at varchar(32), finished_at varchar(32)`,
  ];
  await to.write((tx) => sql`create table if not exists ${table} (${columns})`.execute(tx));
  const begunAt = toRowTime(Date.now());
  await to.write((tx) => sql`insert into ${table} (source, begun_at) values (${sourceId}, ${begunAt})`.execute(tx));
}

/** Whether all rows of this source were brought by an earlier run, as {@link markFinished} has noted. */
export async function isFinished(to: Database, sourceId: string): Promise<boolean> {
  const query = sql`select 1 from RegistryCopies where source = ${sourceId} and finished_at is not null`;
  return (await query.execute(to.reader)).rows.length > 0;
}

/**
 * Notes that all rows of this source are there.
 * @throws Error when the target has been used since an earlier run, or during this one
 */
export async function markFinished(from: Database, to: Database, sourceId: string): Promise<void> {
  const now = toRowTime(Date.now());
  await to.write(async (tx) => {
    await requireUnused(from, tx);
    await sql`update RegistryCopies set finished_at = ${now} where source = ${sourceId}`.execute(tx);
  });
}

/**
 * A registry that works on the target writes an audit line with every change, so its newest line tells.
 * @throws Error when the target has been used since it was copied
 */
export async function requireUnused(from: Database, to: Executor): Promise<void> {
  const columns = ["id", "action", "details", "created_at", "request_id"] as const;
  const newest = to.selectFrom("AuditLogs").select(columns).orderBy("id", "desc").limit(1);
  const mine = await newest.executeTakeFirst();
  if (mine === undefined) return;
  const same = from.reader.selectFrom("AuditLogs").select(columns).where("id", "=", mine.id);
  const theirs = await same.executeTakeFirst();
  const text = (row: typeof mine) => JSON.stringify({ ...row, created_at: row.created_at.slice(0, 19) });
  if (theirs === undefined || text(theirs) !== text(mine)) {
    throw new Error("The target has been used since it was copied: what changed there would be lost");
  }
}

async function commonTables(from: Executor, to: Executor): Promise<CopiedTable[]> {
  const [there, here] = [await columnsOf(from), await columnsOf(to)];
  return plans.map((plan) => {
    const wanted = here.get(plan.table) ?? [];
    return { ...plan, columns: (there.get(plan.table) ?? []).filter((column) => wanted.includes(column)) };
  });
}

async function tableNames(db: Executor): Promise<Set<string>> {
  return new Set((await columnsOf(db)).keys());
}

async function columnsOf(db: Executor): Promise<Map<string, string[]>> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  return new Map(tables.map(({ name, columns }) => [name, columns.map((column) => column.name)]));
}
