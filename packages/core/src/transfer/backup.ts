import { chmod, link, open, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import type { BlobStorage } from "../ports/blob-storage.ts";
import { type ArchiveReport, copyArchives, countArchives, type RegistryParts } from "./archives.ts";

/** What is kept where. */
export interface BackupOptions {
  /** A registry whose database is a SQLite file, in use or not. Is read and not changed. */
  from: RegistryParts;
  /** Where the copy of the database goes, and the archives. Of an earlier backup, what has not changed stays. */
  to: { path: string; storage: BlobStorage };
  /** Whether archives that an earlier backup brought are read and compared by digest; by default their sizes are. */
  verify?: boolean;
  onProgress?(progress: BackupProgress): void;
  /** Ends it early; the earlier backup stays what it was. */
  signal?: AbortSignal;
}

/** How far a backup is, in bytes: two steps in this order. */
export interface BackupProgress {
  step: "database" | "archives";
  done: number;
  total: number;
}

/** What came of a backup. */
export interface BackupReport {
  /** Whether every archive that a version needs is in it. */
  isComplete: boolean;
  archives: ArchiveReport;
}

/**
 * Keeps a registry as it is at one moment, while it goes on. What is made is a registry again: its parts can be opened, served and
 * copied, and restoring is the same call in the other direction. The copy of the database gets its name last, when the archives
 * are there; every archive is checked by its digest as it passes. Killed at any point, an earlier backup at the same place is
 * still whole.
 * @throws Error when the database cannot be copied so (MySQL, or no file), or the database at `to.path` is in use; whatever database and storage throw
 */
export async function backupRegistry(options: BackupOptions): Promise<BackupReport> {
  const { from, to, signal, onProgress, verify = false } = options;
  if (from.database.snapshot === undefined) throw new Error("Only a database in a SQLite file can be kept like this");
  await requireUnusedFile(to.path);
  const isNew = (await stat(to.path).catch(() => null)) === null;
  const next = `${to.path}.next`;
  await from.database.snapshot(next, {
    signal,
    onBytes: (done, total) => onProgress?.({ step: "database", done, total }),
  });
  // Only now: archives stay as they are, so whatever the copied database refers to is among those of this moment.
  const { bytes: total } = await countArchives(from.database);
  let done = 0;
  onProgress?.({ step: "archives", done, total });
  const archives = await copyArchives({
    from,
    to: { database: null, storage: to.storage },
    trustsSizes: !verify,
    signal,
    onBytes(bytes) {
      done += bytes;
      onProgress?.({ step: "archives", done, total });
    },
  });
  await giveName(next, to.path, isNew);
  await syncFolder(dirname(to.path));
  return { isComplete: archives.problems.length === 0, archives };
}

/** Archives take long: a server that was started on the place meanwhile keeps its database. */
async function giveName(next: string, path: string, isNew: boolean): Promise<void> {
  await chmod(next, 0o600);
  await requireUnusedFile(path);
  if (!isNew) return rename(next, path);
  try {
    await link(next, path);
  } catch (error) {
    throw new Error(`A database has appeared meanwhile, or ${path} cannot be made`, { cause: error });
  }
  await unlink(next);
}

/** Changes that wait in a file beside the database would be taken for changes of the new one. */
async function requireUnusedFile(path: string): Promise<void> {
  const waiting = await stat(`${path}-wal`).catch(() => null);
  if (waiting !== null && waiting.size > 0) throw new Error(`${path} is in use, or was not closed`);
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } catch (error) {
    // Windows syncs no folders.
    if (process.platform !== "win32") throw error;
  } finally {
    await handle.close();
  }
}
