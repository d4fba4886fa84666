import { copyFileSync, existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import SqliteFile from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { migrate } from "../../src/db/migrations/index.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { testFile } from "../sqlite/files.ts";
import { killPoint, killRounds, killSeed, migrateInProcess, outdatedReleases } from "./killed-migrations.ts";
import { makeOriginal, originalTime } from "./original.ts";
import { makeReleased } from "./released/unpack.ts";
import { schemaText } from "./schema-text.ts";

const script = fileURLToPath(new URL("migrate-process.ts", import.meta.url));

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
  ...outdatedReleases.map((release): [string, (path: string) => void, number] => [
    `a database of release ${release}`,
    (path) => makeReleased(release, path),
    5,
  ]),
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
  const timeout = 60_000 + killRounds * 10_000;

  test.each(beginnings)(`%s (seed ${killSeed})`, { timeout }, async (_name, make, least) => {
    const [untouched, whole] = [await testFile(), await testFile()];
    make(untouched);
    const isEmpty = !existsSync(untouched);
    if (!isEmpty) copyFileSync(untouched, whole);
    const { done, statements: total } = (await migrateInProcess(script, whole)) ?? { done: [], statements: 0 };
    expect(total).toBeGreaterThan(least);
    const before = isEmpty ? {} : contentOf(untouched);
    const rounds = Array.from({ length: killRounds }, (_, round) => killPoint(round, total));
    // The commit itself is the last statement.
    const atCommit = (["before", "after"] as const).map((moment) => ({
      killAt: total,
      moment,
      about: `${moment} commit`,
    }));
    for (const { killAt, moment, about } of [...atCommit, ...rounds]) {
      const path = await testFile();
      if (!isEmpty) copyFileSync(untouched, path);
      expect(await migrateInProcess(script, path, String(killAt), moment), about).toBeNull();
      const committed = killAt === total && moment === "after";
      if (!committed) expect(contentOf(path), about).toEqual(before);
      expect(await migrateHere(path), about).toEqual(committed ? [] : done);
      expect(schemaText(path), about).toBe(schemaText(whole));
      expect(contentOf(path), about).toEqual(contentOf(whole));
    }
  });
});

describe("processes that migrate at the same time", () => {
  test.each(beginnings)("%s: one does it all, the others nothing, none fails", async (_name, make) => {
    const path = await testFile();
    make(path);
    const results = await Promise.all([1, 2, 3].map(() => migrateInProcess(script, path)));
    expect(results.filter((result) => result?.done.length === 0)).toHaveLength(2);
    expect(results.filter((result) => (result?.done.length ?? 0) > 0)).toHaveLength(1);
    expect(await migrateHere(path)).toEqual([]);
  });
});
