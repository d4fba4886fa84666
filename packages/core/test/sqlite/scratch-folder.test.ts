import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { scratchFolder } from "../../src/sqlite/scratch-folder.ts";
import { testFolder } from "../transfer/parts.ts";

const script = fileURLToPath(new URL("scratch-process.ts", import.meta.url));

/** Makes such folders, of one test only, and removes them when it is over. */
function maker(): { prefix: string; make(): Promise<string> } {
  const prefix = `registry-scratch-${randomUUID()}-`;
  return {
    prefix,
    async make() {
      const { path, remove } = await scratchFolder(prefix);
      onTestFinished(remove);
      return path;
    },
  };
}

test("a folder stays while its process lives, and goes at the next one's start when it was killed", async () => {
  const { prefix, make } = maker();
  const child = spawn(process.execPath, ["--conditions=@serverless-registry/source", script, prefix]);
  onTestFinished(() => void child.kill("SIGKILL"));
  const [said] = await once(child.stdout.setEncoding("utf8"), "data");
  const left = String(said).trim();
  const mine = await make();
  await writeFile(join(mine, "copy.db"), "mine");
  expect((await stat(mine)).mode & 0o777).toBe(0o700);
  expect([existsSync(left), existsSync(mine)]).toEqual([true, true]);

  const ended = once(child, "close");
  child.kill("SIGKILL");
  await ended;
  expect(existsSync(join(left, "copy.db"))).toBe(true);
  await make();
  expect([existsSync(left), existsSync(mine)]).toEqual([false, true]);
});

test("what is no folder of that kind stays", async () => {
  const { prefix, make } = maker();
  const elsewhere = await testFolder();
  await writeFile(join(elsewhere, "in-use"), "");
  await writeFile(join(elsewhere, "data"), "of somebody");
  const link = join(tmpdir(), `${prefix}link`);
  await symlink(elsewhere, link);
  const [file, bare] = [join(tmpdir(), `${prefix}file`), join(tmpdir(), `${prefix}bare`)];
  await writeFile(file, "");
  await mkdir(bare);
  await writeFile(join(bare, "data"), "without a lock");
  await make();
  expect([link, join(elsewhere, "data"), file, join(bare, "data")].map((path) => existsSync(path))).toEqual(
    Array(4).fill(true),
  );
  for (const path of [link, file, bare]) await rm(path, { recursive: true });
});
