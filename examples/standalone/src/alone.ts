import type { Config } from "./config.ts";

/**
 * Whether no other process has the database of the configuration open at this moment, and so none is in the middle of an upload to the
 * folder beside it: asked before this process opens it. SQLite keeps a lock on a file for as long as it is open, and the system lets go of it
 * when a process is killed. Elsewhere nobody knows, and the answer is no.
 */
export async function isAlone({ database, storage }: Pick<Config, "database" | "storage">): Promise<boolean> {
  if (database.kind !== "sqlite" || storage.kind !== "files") return false;
  const { default: SqliteFile } = await import("better-sqlite3");
  let file: InstanceType<typeof SqliteFile> | undefined;
  try {
    file = new SqliteFile(database.path, { fileMustExist: true, timeout: 0 });
    file.pragma("locking_mode = exclusive");
    file.exec("begin exclusive; rollback");
    return true;
  } catch {
    // In use; or not there, where nothing was left either; or not to be opened, which the server says by itself.
    return false;
  } finally {
    file?.close();
  }
}
