import { mkdtemp, readdir, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

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

/** Paths of the files below `root` that this process has open. */
export async function openFilesBelow(root: string): Promise<string[]> {
  const names = await readdir("/proc/self/fd");
  const targets = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => "")));
  return targets.filter((target) => target.startsWith(root));
}

/**
 * Registers tests that need something of the machine. Where it is missing they are counted as left out, with the reason in
 * their name; with `REQUIRE_ALL=1` in the environment they fail instead.
 */
export function describeIf(missing: string | null, name: string, tests: () => void): void {
  if (missing === null) return void describe(name, tests);
  if (process.env.REQUIRE_ALL !== "1") return void describe.skip(`${name} (left out: ${missing})`, tests);
  describe(name, () => {
    test("can be tried here", () => expect.fail(missing));
  });
}
