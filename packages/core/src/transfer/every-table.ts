import type { Database } from "../ports/database.ts";
import { type Beginning, requireUnused } from "./begin.ts";
import { plans, secondPass } from "./plan.ts";
import type { Tell } from "./progress.ts";
import { countRows } from "./rows.ts";
import { copyTable, indexPackages, type RowCopy, removeGone } from "./tables.ts";
import { compareTable, type TableReport } from "./verify.ts";

/** A copy of all rows that has begun. */
export interface RowsCopy {
  from: Database;
  to: Database;
  beginning: Beginning;
  signal: AbortSignal | undefined;
  tell: Tell;
}

/**
 * Copies every table and builds the search index.
 * @throws Error when the target has been used since an earlier run, or during this one
 */
export async function copyEveryTable(work: RowsCopy): Promise<void> {
  const { from, to, signal, tell, beginning } = work;
  const { tables, isResumed } = beginning;
  const copy: RowCopy = { from, to, isFirst: !isResumed, signal, onRows: tell("rows", await totalRows(from)) };
  // A server may have been started while archives came.
  await requireUnused(from, to.reader);
  if (isResumed) await removeGone(copy, tables);
  for (const table of tables) await copyTable(copy, table);
  const links = tables.filter(({ table }) => secondPass.some((plan) => plan.table === table));
  for (const table of links) await copyTable({ ...copy, isFirst: false, onRows() {} }, table);
  tell("index", 0);
  await indexPackages(copy);
}

/** Compares every table of both sides. */
export async function compareEveryTable(work: RowsCopy): Promise<TableReport[]> {
  const { from, to, signal, tell, beginning } = work;
  const comparing = { from, to, signal, onRows: tell("compare", await totalRows(from)) };
  const reports: TableReport[] = [];
  for (const table of beginning.tables) reports.push(await compareTable(comparing, table));
  return reports;
}

async function totalRows({ reader }: Database): Promise<number> {
  let total = 0;
  for (const plan of plans) total += await countRows(reader, plan);
  return total;
}
