import { chmod, copyFile, readdir, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import SqliteFile from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { importOriginal } from "../../src/import/index.ts";
import { fileParts, smallRegistry, testFolder } from "../transfer/parts.ts";
import { digestOf, goodArchives, originalFiles } from "./harness.ts";

describe("what stands in the way is said, and nothing changes", () => {
  test.each([
    ["no file", async () => ({ sqlite: "/nowhere/registry.db" }), "There is no file"],
    ["no database", async () => ({ sqlite: await written("text") }), "cannot be read as a SQLite database"],
    [
      "a database of something else",
      async () => ({ sqlite: await databaseOf("CREATE TABLE Users (id)") }),
      "no Packages",
    ],
    ["a database of this registry", async () => ({ sqlite: (await smallRegistry()).parts.path }), "already"],
    ["a folder of something else", async () => ({ ...(await originalFiles()), packages: tmpdir() }), /named like fc-/],
    ["a folder with few of the archives", async () => fewArchives(), "the archives of 1 of the 20 versions"],
    ["no folder", async () => ({ ...(await originalFiles()), packages: "/nowhere" }), "cannot be read"],
    ["nothing", async () => ({}), "Neither"],
  ])("%s", async (_name, given, says) => {
    const to = await fileParts();
    await expect(importOriginal({ ...(await given()), to })).rejects.toThrow(says);
    expect(await to.storage.list(null, 10)).toEqual([]);
  });

  test("a registry in use is not written over", async () => {
    const { parts } = await smallRegistry();
    await expect(importOriginal({ ...(await originalFiles()), to: parts })).rejects.toThrow("The target is in use");
    expect(await parts.database.reader.selectFrom("Users").select("username").execute()).toHaveLength(1);
  });

  test("another original is not written over the first", async () => {
    const [from, other, to] = [await originalFiles(), await originalFiles(), await fileParts()];
    const file = new SqliteFile(other.sqlite);
    file.exec("UPDATE Users SET username = 'grace' WHERE id = 1");
    file.close();
    await importOriginal({ ...from, to });
    await expect(importOriginal({ ...other, to })).rejects.toThrow("another registry");
  });

  test("the original may lie where nobody may write", async () => {
    const [from, to] = [await originalFiles(), await fileParts()];
    const folder = join(from.sqlite, "..");
    const before = [await digestOf(from.sqlite), (await stat(from.sqlite)).mtimeMs];
    await chmod(from.sqlite, 0o400);
    await importOriginal({ ...from, to });
    expect([await digestOf(from.sqlite), (await stat(from.sqlite)).mtimeMs]).toEqual(before);
    expect((await readdir(folder)).toSorted()).toEqual(["packages", "serverless_registry.db"]);
  });

  test("a signal ends it, and another run goes on", async () => {
    const [from, to] = [await originalFiles(), await fileParts()];
    for (const step of ["archives", "rows", "compare"]) {
      const controller = new AbortController();
      const onProgress = (progress: { step: string; done: number }) => {
        if (progress.step === step && progress.done > 0) controller.abort();
      };
      const cut = importOriginal({ ...from, to, onProgress, signal: controller.signal });
      await expect(cut).rejects.toMatchObject({ name: "AbortError" });
    }
    expect(await importOriginal({ ...from, to })).toMatchObject({
      rows: "copied",
      archives: { taken: goodArchives.length, present: goodArchives.length },
    });
  });
});

/** The original, and a folder in which only one file fits. */
async function fewArchives(): Promise<{ sqlite: string; packages: string }> {
  const [from, packages] = [await originalFiles(), await testFolder()];
  await copyFile(join(from.packages, "a-0.1.0.zip"), join(packages, "a-0.1.0.zip"));
  return { ...from, packages };
}

async function written(text: string): Promise<string> {
  const path = join(await testFolder(), "file.db");
  await writeFile(path, text);
  return path;
}

async function databaseOf(sql: string): Promise<string> {
  const path = join(await testFolder(), "file.db");
  const file = new SqliteFile(path);
  file.exec(sql);
  file.close();
  return path;
}
