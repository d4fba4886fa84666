import { execFile } from "node:child_process";
import { copyFileSync, existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import SqliteFile from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { migrate } from "../../src/db/migrations/index.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { testFile } from "../sqlite/files.ts";
import { makeOriginal, originalTime } from "./original.ts";
import { makeReleased } from "./released/unpack.ts";
import { schemaText } from "./schema-text.ts";

const run = promisify(execFile);
const script = fileURLToPath(new URL("migrate-process.ts", import.meta.url));

/** Runs the migrating process; resolves to what it printed, or to null when it was killed. */
async function migrateInProcess(...args: string[]): Promise<{ done: string[]; statements: number } | null> {
  try {
    const { stdout } = await run(process.execPath, ["--conditions=@serverless-registry/source", script, ...args]);
    return JSON.parse(stdout);
  } catch (error) {
    if ((error as { signal?: string }).signal === "SIGKILL") return null;
    throw error;
  }
}

async function migrateHere(path: string): Promise<string[]> {
  const database = sqlite({ path });
  try {
    return await migrate(database);
  } finally {
    await database.close();
  }
}

/** Databases to begin with, and how many statements it takes at least to bring them up to date. */
const beginnings: [string, (path: string) => void, number][] = [
  ["an empty database", () => {}, 50],
  ["a database of the original project", makeOriginal, 50],
  ["a database of release 0003", (path) => makeReleased("0003", path), 10],
];

/** Every row of every table but the migrations' own; times that the database itself had set are left out. */
function contentOf(path: string): Record<string, unknown[]> {
  const file = new SqliteFile(path, { readonly: true });
  try {
    const names = file
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'kysely_*' ORDER BY name")
      .pluck()
      .all() as string[];
    const rowsOf = (name: string) => file.prepare<[], Record<string, unknown>>(`SELECT * FROM ${name}`).all();
    return Object.fromEntries(names.map((name) => [name, rowsOf(name).map(withoutOwnTimes)]));
  } finally {
    file.close();
  }
}

function withoutOwnTimes(row: Record<string, unknown>): Record<string, unknown> {
  const isOwn = (value: unknown) => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(String(value)) && value !== originalTime;
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, isOwn(value) ? "some time" : value]));
}

test("the schema of a fresh database is the one on record", async () => {
  const path = await testFile();
  await migrateHere(path);
  await expect(schemaText(path)).toMatchFileSnapshot("schema.txt");
});

test("a database of the original project gets the same columns, tables and indexes as a fresh one", async () => {
  const [fresh, original] = [await testFile(), await testFile()];
  await migrateHere(fresh);
  makeOriginal(original);
  await migrateHere(original);
  // The original's own version column is narrower, and nothing is said there about a deleted latest version.
  const widened = schemaText(original)
    .replace("version VARCHAR(20)", "version VARCHAR(64)")
    .replace("latest_version_id INTEGER -> Versions(id)", "$& on delete SET NULL");
  expect(widened).toBe(schemaText(fresh));
});

describe("a process that is killed while it migrates leaves what was there, and the next one does it all", () => {
  const rounds = 10;
  const seed = Math.floor(Math.random() * 1e6);

  test.each(beginnings)(`%s (seed ${seed})`, async (_name, make, least) => {
    const [untouched, whole] = [await testFile(), await testFile()];
    make(untouched);
    const isEmpty = !existsSync(untouched);
    if (!isEmpty) copyFileSync(untouched, whole);
    const { done, statements: total } = (await migrateInProcess(whole)) ?? { done: [], statements: 0 };
    expect(total).toBeGreaterThan(least);
    const before = isEmpty ? {} : contentOf(untouched);
    for (let round = 0; round < rounds / 2; round++) {
      const path = await testFile();
      if (!isEmpty) copyFileSync(untouched, path);
      // One part of the migration after the other, somewhere within each; the commit itself is the last statement.
      const killAt =
        round === 0 ? total : 1 + Math.floor(((round - 1 + fraction(seed + round)) * total) / (rounds / 2 - 1));
      const moment = (seed + round) % 2 === 0 ? "before" : "after";
      const about = `killed ${moment} statement ${killAt} of ${total}`;
      expect(await migrateInProcess(path, String(killAt), moment), about).toBeNull();
      const committed = killAt === total && moment === "after";
      if (!committed) expect(contentOf(path), about).toEqual(before);
      expect(await migrateHere(path), about).toEqual(committed ? [] : done);
      expect(schemaText(path), about).toBe(schemaText(whole));
      expect(contentOf(path), about).toEqual(contentOf(whole));
    }
  });
});

/** A number from 0 to 1 that looks random, the same for the same seed. */
function fraction(seed: number): number {
  return ((Math.imul(seed, 2_654_435_761) >>> 0) % 1000) / 1000;
}

describe("processes that migrate at the same time", () => {
  test.each(beginnings)("%s: one does it all, the others nothing, none fails", async (_name, make) => {
    const path = await testFile();
    make(path);
    const results = await Promise.all([1, 2, 3].map(() => migrateInProcess(path)));
    expect(results.filter((result) => result?.done.length === 0)).toHaveLength(2);
    expect(results.filter((result) => (result?.done.length ?? 0) > 0)).toHaveLength(1);
    expect(await migrateHere(path)).toEqual([]);
  });
});
