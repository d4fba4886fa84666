import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A fresh folder, and how to get rid of it. */
export async function temporaryRoot(): Promise<{ root: string; cleanup(): Promise<void> }> {
  const parent = await mkdtemp(join(tmpdir(), "storage-fs-"));
  return { root: join(parent, "data"), cleanup: () => rm(parent, { recursive: true, force: true }) };
}

/** Every file below `root`, as paths relative to it, sorted. */
export async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}
