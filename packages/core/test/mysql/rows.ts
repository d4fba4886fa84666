import type { TestDatabase } from "../../../../scripts/test/mysql.ts";
import { originalTime } from "../db/original.ts";

/** Rows by table, in no particular order of theirs. */
export type RowsByTable = Record<string, string[]>;

/** Every row of a database but the search index's and the migrations' own; times that were set meanwhile are left out. */
export async function rowsOf({ run }: TestDatabase): Promise<RowsByTable> {
  const tables = await run("SHOW TABLES");
  const rows: RowsByTable = {};
  for (const name of tables.map((row) => String(Object.values(row)[0])).filter(isOfInterest)) {
    rows[name] = comparable(await run(`SELECT * FROM ${name}`));
  }
  return rows;
}

/** Whether both engines keep a table alike. */
export function isOfInterest(table: string): boolean {
  return !/^(kysely_|sqlite_|PackageSearch|PackageTerms|Turns)/.test(table);
}

/** Rows as texts that are equal when the rows mean the same on both engines. */
export function comparable(rows: readonly Record<string, unknown>[]): string[] {
  return rows.map((row) => JSON.stringify(Object.entries(row).map(([name, value]) => [name, plain(value)]))).sort();
}

function plain(value: unknown): unknown {
  const time = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d{3})?$/.exec(String(value))?.[1];
  if (time === undefined) return value;
  return Date.parse(`${time.replace(" ", "T")}Z`) > Date.now() - 600_000 && time !== originalTime ? "now" : time;
}
