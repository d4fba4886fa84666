import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/** What lies in a folder: content, mode and links by path. */
export async function treeOf(folder: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  for (const path of (await readdir(folder, { recursive: true })).sort()) {
    const stats = await lstat(join(folder, path));
    const mode = (stats.mode & 0o777).toString(8);
    if (stats.isSymbolicLink()) tree[path] = `-> ${await readlink(join(folder, path))}`;
    else if (stats.isDirectory()) tree[path] = "folder";
    else tree[path] = `${mode} ${await readFile(join(folder, path), "base64")}`;
  }
  return tree;
}
