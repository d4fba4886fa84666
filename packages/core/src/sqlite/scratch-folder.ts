import { lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import SqliteFile from "better-sqlite3";

/** A temporary folder of this process. */
export interface ScratchFolder {
  path: string;
  remove(): Promise<void>;
}

/** An empty database that whoever uses the folder has locked; the lock ends with the process, however that ends. */
const lockName = "in-use";

/**
 * Makes a temporary folder whose name begins with `prefix`. First it removes those that killed processes of this user have left, so that
 * no copy of somebody's data stays for long.
 */
export async function scratchFolder(prefix: string): Promise<ScratchFolder> {
  await removeAbandoned(prefix);
  const path = await mkdtemp(join(tmpdir(), prefix));
  const lock = new SqliteFile(join(path, lockName));
  lock.exec("begin exclusive");
  return {
    path,
    async remove() {
      lock.close();
      await removeFolder(path);
    },
  };
}

async function removeAbandoned(prefix: string): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const path = join(tmpdir(), name);
    if (await isAbandoned(path).catch(() => false)) await removeFolder(path);
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const folder = await lstat(path);
  if (!folder.isDirectory() || folder.uid !== (process.getuid?.() ?? folder.uid)) return false;
  // Whoever has just made it may not have locked it yet; nothing else is in it before.
  if ((await readdir(path)).every((file) => file === lockName)) return false;
  const lock = new SqliteFile(join(path, lockName), { timeout: 0, fileMustExist: true });
  try {
    lock.exec("begin exclusive");
    return true;
  } finally {
    lock.close();
  }
}

function removeFolder(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 3 });
}
