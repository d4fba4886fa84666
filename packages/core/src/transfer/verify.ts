import { createHash } from "node:crypto";
import type { Executor } from "../ports/database.ts";
import { type CopiedTable, fitted, type Row, readRows, rowText } from "./rows.ts";
import type { RowCopy } from "./tables.ts";

/** What became of one table. */
export interface TableReport {
  table: string;
  /** Rows in the target. */
  rows: number;
  /** Rows of the source that refer to rows that are not there, as databases of the original have them; they are left out. */
  leftOut: number;
  /** Whether number and digest of the rows are the same on both sides. */
  isSame: boolean;
}

/** Compares a table of both databases, all rows with all columns, in bounded memory. */
export async function compareTable(copy: Omit<RowCopy, "isFirst">, table: CopiedTable): Promise<TableReport> {
  const { from, to, signal, onRows } = copy;
  // What the target lacks of the parents shows in the parents' own table.
  const source = await digestTable(from.reader, table, {
    signal,
    keep: async (rows) => {
      onRows(rows.length);
      return fitted(to.reader, table, rows);
    },
  });
  const target = await digestTable(to.reader, table, { signal, keep: async (rows) => [...rows] });
  const isSame = source.rows === target.rows && source.digest === target.digest;
  return { table: table.table, rows: target.rows, leftOut: source.leftOut, isSame };
}

interface Reading {
  signal: AbortSignal | undefined;
  keep(rows: readonly Row[]): Promise<Row[]>;
}

async function digestTable(db: Executor, table: CopiedTable, { signal, keep }: Reading) {
  const hash = createHash("sha256");
  let [after, count, leftOut]: [Row | null, number, number] = [null, 0, 0];
  for (;;) {
    signal?.throwIfAborted();
    const rows: Row[] = await readRows(db, table, { after, limit: table.batchRows });
    const last = rows.at(-1);
    if (last === undefined) return { rows: count, leftOut, digest: hash.digest("hex") };
    const kept = await keep(rows);
    for (const row of kept) hash.update(`${rowText(table, row)}\n`);
    count += kept.length;
    leftOut += rows.length - kept.length;
    after = last;
  }
}
