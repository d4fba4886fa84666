import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { syncDirectory } from "./descriptor.ts";
import { hasCode } from "./full-disk.ts";

/** Makes directories whose entries survive loss of power. */
export interface Directories {
  /**
   * Makes `path` and what is missing above it, for the owner only. When it resolves, every entry that this process made
   * on the way is on disk, also one that another call made a moment ago.
   */
  ensure(path: string): Promise<void>;
}

const DIRECTORY_MODE = 0o700;

/** An own memory of what was made and is not yet synced; one per storage. */
export function directories(): Directories {
  const underWay = new Map<string, Promise<void>>();
  const unsynced = new Set<string>();

  async function make(path: string): Promise<void> {
    if (await makeOne(path)) unsynced.add(path);
    const parent = dirname(path);
    // Only now: a parent that another call made just before is surely known here once something could be made in it.
    if (underWay.has(parent) || unsynced.has(parent)) await ensure(parent);
    if (!unsynced.has(path)) return;
    await syncDirectory(parent);
    unsynced.delete(path);
  }

  /** Makes one directory, and its parents first where they are missing. False: it was there. */
  async function makeOne(path: string): Promise<boolean> {
    try {
      await mkdir(path, { mode: DIRECTORY_MODE });
      return true;
    } catch (error) {
      if (hasCode(error, "EEXIST")) return false;
      if (!hasCode(error, "ENOENT") || dirname(path) === path) throw error;
      await ensure(dirname(path));
      return makeOne(path);
    }
  }

  function ensure(path: string): Promise<void> {
    const current = underWay.get(path);
    if (current !== undefined) return current;
    const started = make(path).finally(() => underWay.delete(path));
    underWay.set(path, started);
    return started;
  }

  return { ensure };
}
