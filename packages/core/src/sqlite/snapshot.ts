import { open, rm } from "node:fs/promises";
import SqliteFile from "better-sqlite3";
import type { SnapshotOptions } from "../ports/database.ts";

const pagesAtOnce = 256;

/**
 * Copies the database file `from`, in use or not, as it is at one moment, into the new file `to`, durably. Others go on reading
 * and writing meanwhile. What fails leaves no file.
 */
export async function snapshotFile(from: string, to: string, { onBytes, signal }: SnapshotOptions): Promise<void> {
  await rm(to, { force: true });
  const source = new SqliteFile(from, { readonly: true, fileMustExist: true });
  try {
    // A read transaction holds the moment; without one, each write of another connection would make the copy begin anew.
    source.exec("begin; select count(*) from sqlite_schema");
    const pageBytes = Number(source.pragma("page_size", { simple: true }));
    await source.backup(to, {
      progress({ totalPages, remainingPages }) {
        signal?.throwIfAborted();
        onBytes?.((totalPages - remainingPages) * pageBytes, totalPages * pageBytes);
        return pagesAtOnce;
      },
    });
    await sync(to);
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  } finally {
    source.close();
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
