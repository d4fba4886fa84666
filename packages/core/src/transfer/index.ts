import { type ArchiveReport, copyArchives, countArchives, type RegistryParts } from "./archives.ts";
import { beginCopy, requireUnused } from "./begin.ts";
import { plans, secondPass } from "./plan.ts";
import { countRows } from "./rows.ts";
import { copyTable, indexPackages, type RowCopy, removeGone } from "./tables.ts";
import { compareTable, type TableReport } from "./verify.ts";

export type { ArchiveProblem, ArchiveReport, RegistryParts } from "./archives.ts";
export { type BackupOptions, type BackupProgress, type BackupReport, backupRegistry } from "./backup.ts";
export type { TableReport } from "./verify.ts";

/** What is copied where. */
export interface CopyOptions {
  /** Is read and not changed. */
  from: RegistryParts;
  /** An empty database, or one that an earlier run has begun to fill; its tables are made. */
  to: RegistryParts;
  onProgress?(progress: CopyProgress): void;
  /** Ends the copy early; another run goes on. */
  signal?: AbortSignal;
}

/** How far a copy is: four steps in this order. */
export interface CopyProgress {
  step: "rows" | "index" | "archives" | "compare";
  /** Rows, or bytes of archives; of the index nothing is known. */
  done: number;
  total: number;
}

/** What came of a copy. */
export interface CopyReport {
  /** Whether the target now is what the source is. If not, and the source was in use meanwhile, another run brings the rest. */
  isComplete: boolean;
  /** Empty when both sides have one database, and only archives were copied. */
  tables: TableReport[];
  archives: ArchiveReport;
}

/**
 * Copies a registry, from any engine and storage to any other: rows with their ids, then every archive that they refer to, checked by
 * its digest; builds the search index anew, and compares both sides at the end. Killed at any point, another run goes on where it
 * stopped; a run after the source has changed brings the changes. Nothing but a copy of this source is ever written over.
 * When both sides are given the same `Database` object, archives alone are copied.
 * @throws Error when the source is not up to date, or the target is in use or the same database; whatever database and storage throw
 */
export async function copyRegistry(options: CopyOptions): Promise<CopyReport> {
  const { from, to, signal, onProgress } = options;
  const tell = (step: CopyProgress["step"], total: number) => {
    let done = 0;
    onProgress?.({ step, done, total });
    return (more: number) => {
      done += more;
      onProgress?.({ step, done, total });
    };
  };
  const copyBytes = async () => {
    const { bytes } = await countArchives(from.database);
    return copyArchives({ from, to, signal, onBytes: tell("archives", bytes) });
  };
  if (from.database === to.database) {
    const archives = await copyBytes();
    return { isComplete: archives.problems.length === 0, tables: [], archives };
  }
  const { tables, isResumed } = await beginCopy(from.database, to.database);
  const total = await totalRows(from);
  const copy: RowCopy = { from: from.database, to: to.database, signal, onRows: tell("rows", total) };
  if (isResumed) {
    await requireUnused(copy.from, copy.to);
    await removeGone(copy, tables);
  }
  for (const table of tables) await copyTable(copy, table);
  const links = tables.filter(({ table }) => secondPass.some((plan) => plan.table === table));
  for (const table of links) await copyTable({ ...copy, onRows() {} }, table);
  tell("index", 0);
  await indexPackages(copy);
  const archives = await copyBytes();
  const comparing = { ...copy, onRows: tell("compare", total) };
  const reports: TableReport[] = [];
  for (const table of tables) reports.push(await compareTable(comparing, table));
  const isComplete = archives.problems.length === 0 && reports.every(({ isSame }) => isSame);
  return { isComplete, tables: reports, archives };
}

async function totalRows({ database }: RegistryParts): Promise<number> {
  let total = 0;
  for (const plan of plans) total += await countRows(database.reader, plan);
  return total;
}
