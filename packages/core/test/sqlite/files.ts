import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import SqliteFile from "better-sqlite3";
import { onTestFinished } from "vitest";
import type { Database } from "../../src/ports/database.ts";

/** The path of a database file that is not there yet, in a folder of its own. */
export async function temporaryFile(): Promise<{ path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "registry-sqlite-"));
  return { path: join(folder, "registry.db"), remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Such a path, removed when the test that asks for it is over. */
export async function testFile(): Promise<string> {
  const { path, remove } = await temporaryFile();
  onTestFinished(remove);
  return path;
}

/** The database, closed when the test that opens it is over. */
export function opened(database: Database): Database {
  onTestFinished(() => database.close());
  return database;
}

/** A handle of the host's own, closed when the test that opens it is over. */
export function handleOn(path: string): SqliteFile.Database {
  const handle = new SqliteFile(path);
  onTestFinished(() => void handle.close());
  return handle;
}
