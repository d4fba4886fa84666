import type { Stats } from "node:fs";
import { readdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Digest, StoredBlob } from "@serverless-registry/core";
import { hasCode } from "./full-disk.ts";
import { isDigest, isStageName, type Layout } from "./layout.ts";

const BYTE = /^[0-9a-f]{2}$/;

/** Blobs in ascending order of digests, from just after `after` on. Holds the names of one folder at a time. */
export async function* walkBlobs(layout: Layout, after: Digest | null): AsyncGenerator<StoredBlob> {
  const from = after ?? "";
  for (const first of await namesIn(layout.blobs, BYTE, from.slice(0, 2))) {
    const outer = join(layout.blobs, first);
    const seconds = await namesIn(outer, BYTE, first === from.slice(0, 2) ? from.slice(2, 4) : "");
    for (const second of seconds) {
      const folder = join(outer, second);
      for (const digest of await namesIn(folder, /^/, "")) {
        if (!isDigest(digest) || !digest.startsWith(first + second) || digest <= from) continue;
        const found = await statIfThere(join(folder, digest));
        if (found?.isFile()) yield { digest, size: found.size, touchedAt: Math.trunc(found.mtimeMs) };
      }
    }
  }
}

/** Removes temporary files that were last written more than `olderThanMs` ago, and says how many. */
export async function sweepStages(layout: Layout, olderThanMs: number): Promise<number> {
  let removed = 0;
  for (const name of await namesIn(layout.stages, /^/, "")) {
    if (!isStageName(name)) continue;
    const path = join(layout.stages, name);
    const found = await statIfThere(path);
    if (found === null || Date.now() - found.mtimeMs <= olderThanMs) continue;
    if (await unlinkIfThere(path)) removed += 1;
  }
  return removed;
}

/** Size and times of what is at `path`, or null when nothing is. */
export async function statIfThere(path: string): Promise<Stats | null> {
  return nullIfMissing(() => stat(path));
}

/** Removes a file; false when there was none. */
export async function unlinkIfThere(path: string): Promise<boolean> {
  return (await nullIfMissing(() => unlink(path).then(() => true))) ?? false;
}

/** Names in a folder that match, from `from` on, sorted. A folder that is not there has none. */
async function namesIn(folder: string, pattern: RegExp, from: string): Promise<string[]> {
  const names = (await nullIfMissing(() => readdir(folder))) ?? [];
  return names.filter((name) => pattern.test(name) && name >= from).sort();
}

async function nullIfMissing<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
}
