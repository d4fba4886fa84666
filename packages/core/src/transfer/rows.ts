import { type RawBuilder, sql } from "kysely";
import { fromRowTime, toRowTime } from "../domain/times.ts";
import type { Executor, Tx } from "../ports/database.ts";
import type { TablePlan } from "./plan.ts";

/** A row of any table. */
export type Row = Record<string, string | number | null>;

/** A table with the columns that both databases have. */
export interface CopiedTable extends TablePlan {
  columns: readonly string[];
}

/** Rows behind `after`, up to and with `through`; null: from the first, to the last. */
interface Range {
  after: Row | null;
  through?: Row;
  limit?: number;
}

/** Rows of a table in the order of its key; those without a whole key are left out. */
export async function readRows(db: Executor, table: CopiedTable, range: Range): Promise<Row[]> {
  return select(db, table, { ...range, columns: table.columns });
}

/** The same with the columns of the key alone. */
export async function readKeys(db: Executor, table: CopiedTable, range: Range): Promise<Row[]> {
  return select(db, table, { ...range, columns: table.key });
}

async function select(db: Executor, plan: TablePlan, range: Range & { columns: readonly string[] }): Promise<Row[]> {
  const { after, through, limit, columns } = range;
  const conditions = plan.key.map((column) => sql`${sql.ref(column)} is not null`);
  if (after !== null) conditions.push(isBeyond(plan.key, after));
  if (through !== undefined) conditions.push(isUpTo(plan.key, through));
  const order = sql.join(plan.key.map((column) => sql.ref(column)));
  const end = limit === undefined ? sql`` : sql` limit ${limit}`;
  // A database of the original may hold a pair of ids twice.
  const distinct = plan.key.length > 1 ? sql`distinct ` : sql``;
  const query = sql<Row>`select ${distinct}${sql.join(columns.map((column) => sql.ref(column)))} from ${sql.table(plan.table)}
    where ${sql.join(conditions, sql` and `)} order by ${order}${end}`;
  return (await query.execute(db)).rows;
}

/** True for rows whose key comes after a row's; said so that an index on the first column is of use. */
function isBeyond([first = "", ...others]: readonly string[], row: Row): RawBuilder<boolean> {
  const [column, value] = [sql.ref(first), row[first]];
  if (others.length === 0) return sql<boolean>`${column} > ${value}`;
  return sql<boolean>`(${column} >= ${value} and (${column} > ${value} or ${isBeyond(others, row)}))`;
}

/** True for rows whose key is a row's, or comes before it. */
function isUpTo([first = "", ...others]: readonly string[], row: Row): RawBuilder<boolean> {
  const [column, value] = [sql.ref(first), row[first]];
  if (others.length === 0) return sql<boolean>`${column} <= ${value}`;
  return sql<boolean>`(${column} <= ${value} and (${column} < ${value} or ${isUpTo(others, row)}))`;
}

/** How many rows a table has, about: pairs that it holds twice count twice. */
export async function countRows(db: Executor, { table }: TablePlan): Promise<number> {
  const query = sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`;
  return Number((await query.execute(db)).rows[0]?.count ?? 0);
}

/** The rows as they can stand in `db`: without those whose parents are not there, other links to nothing emptied. */
export async function fitted(db: Executor, plan: TablePlan, rows: readonly Row[]): Promise<Row[]> {
  let fitting = [...rows];
  for (const [column, table] of Object.entries(plan.parents)) {
    const there = await idsIn(db, table, fitting, column);
    fitting = fitting.filter((row) => isNothing(row[column]) || there.has(row[column]));
  }
  for (const [column, table] of Object.entries(plan.links)) {
    const there = await idsIn(db, table, fitting, column);
    fitting = fitting.map((row) =>
      isNothing(row[column]) || there.has(row[column]) ? row : { ...row, [column]: null },
    );
  }
  return fitting;
}

function isNothing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

async function idsIn(db: Executor, table: string, rows: readonly Row[], column: string): Promise<Set<unknown>> {
  const wanted = [...new Set(rows.map((row) => row[column]))].filter((id) => !isNothing(id));
  if (wanted.length === 0) return new Set();
  const query = sql<{ id: number }>`select id from ${sql.table(table)} where id in (${sql.join(wanted)})`;
  return new Set((await query.execute(db)).rows.map(({ id }) => id));
}

/** What tells a row from others of its table. */
export function keyText(plan: TablePlan, row: Row): string {
  return JSON.stringify(plan.key.map((column) => row[column]));
}

/** A row as text that is equal for rows that mean the same, whichever engine they come from. */
export function rowText({ columns }: CopiedTable, row: Row): string {
  return JSON.stringify(columns.map((column) => valueText(column, row[column] ?? null)));
}

function valueText(column: string, value: string | number | null): string | null {
  if (value === null) return null;
  return isTime(column) ? wholeTime(String(value)) : String(value);
}

function isTime(column: string): boolean {
  return /_at$|_time$|^last_login$/.test(column);
}

function wholeTime(text: string): string {
  const ms = fromRowTime(text);
  return ms === null ? text : toRowTime(ms);
}

/** Characters of values in one statement: far below what a server takes, far above what a round trip costs. */
const statementCharacters = 1_000_000;

/** Rows in one statement. */
const statementRows = 200;

/** Adds rows. Times are cut to milliseconds, which MySQL would round. */
export async function insertRows(tx: Tx, table: CopiedTable, rows: readonly Row[]): Promise<void> {
  let [batch, size]: [RawBuilder<unknown>[], number] = [[], 0];
  const flush = async () => {
    if (batch.length === 0) return;
    const columns = sql.join(table.columns.map((column) => sql.ref(column)));
    await sql`insert into ${sql.table(table.table)} (${columns}) values ${sql.join(batch)}`.execute(tx);
    [batch, size] = [[], 0];
  };
  for (const row of rows) {
    batch.push(sql`(${sql.join(table.columns.map((column) => storable(column, row)))})`);
    size += rowText(table, row).length;
    if (size > statementCharacters || batch.length >= statementRows) await flush();
  }
  await flush();
}

/** Writes what a row says over the one with its key. */
export async function updateRow(tx: Tx, table: CopiedTable, row: Row): Promise<void> {
  const columns = table.columns.filter((column) => !table.key.includes(column));
  const changes = columns.map((column) => sql`${sql.ref(column)} = ${storable(column, row)}`);
  await sql`update ${sql.table(table.table)} set ${sql.join(changes)} where ${hasKey(table, row)}`.execute(tx);
}

/** Removes the row with this key. */
export async function deleteRow(tx: Tx, table: CopiedTable, row: Row): Promise<void> {
  await sql`delete from ${sql.table(table.table)} where ${hasKey(table, row)}`.execute(tx);
}

function hasKey({ key }: TablePlan, row: Row): RawBuilder<boolean> {
  return sql<boolean>`${sql.join(
    key.map((column) => sql`${sql.ref(column)} = ${row[column]}`),
    sql` and `,
  )}`;
}

function storable(column: string, row: Row): string | number | null {
  const value = row[column] ?? null;
  return isTime(column) && typeof value === "string" ? wholeTime(value) : value;
}
