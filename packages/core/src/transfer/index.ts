import { type ArchiveReport, copyArchives, countArchives, type RegistryParts } from "./archives.ts";
import { beginCopy } from "./begin.ts";
import { compareEveryTable, copyEveryTable } from "./every-table.ts";
import { type CopyProgress, teller } from "./progress.ts";
import type { TableReport } from "./verify.ts";

export type { ArchiveProblem, ArchiveReport, RegistryParts } from "./archives.ts";
export { type BackupOptions, type BackupProgress, type BackupReport, backupRegistry } from "./backup.ts";
export type { CopyProgress } from "./progress.ts";
export type { TableReport } from "./verify.ts";

/** What is copied where. */
export interface CopyOptions {
  /** Is read and not changed. */
  from: RegistryParts;
  /** An empty database, or one that an earlier run has begun to fill; its tables are made. */
  to: RegistryParts;
  /** Told of rows, index, archives, comparison, in this order. */
  onProgress?(progress: CopyProgress): void;
  /** Ends the copy early; another run goes on. */
  signal?: AbortSignal;
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
  const tell = teller(onProgress);
  const copyBytes = async () => {
    const { bytes } = await countArchives(from.database);
    return copyArchives({ from, to, signal, onBytes: tell("archives", bytes) });
  };
  if (from.database === to.database) {
    const archives = await copyBytes();
    return { isComplete: archives.problems.length === 0, tables: [], archives };
  }
  const beginning = await beginCopy(from.database, to.database);
  const work = { from: from.database, to: to.database, beginning, signal, tell };
  await copyEveryTable(work);
  const archives = await copyBytes();
  const tables = await compareEveryTable(work);
  const isComplete = archives.problems.length === 0 && tables.every(({ isSame }) => isSame);
  return { isComplete, tables, archives };
}
