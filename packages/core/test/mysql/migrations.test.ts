import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import type { TestDatabase } from "../../../../scripts/test/mysql.ts";
import { describeWith } from "../../../../scripts/test/services.ts";
import { migrate } from "../../src/db/migrations/index.ts";
import { mysql } from "../../src/mysql/index.ts";
import { makeReleasedOnMysql } from "../db/released/unpack.ts";
import { testDatabase } from "./databases.ts";
import { makeOriginal } from "./original.ts";
import { rowsOf } from "./rows.ts";
import { schemaText } from "./schema-text.ts";

const run = promisify(execFile);
const script = fileURLToPath(new URL("migrate-process.ts", import.meta.url));

/** Databases to begin with, and how many statements it takes at least to bring them up to date. */
const beginnings: [string, (place: TestDatabase) => Promise<unknown>, number][] = [
  ["an empty database", async () => {}, 50],
  ["a database of the original project", makeOriginal, 50],
  ["a database of release 0003", (place) => makeReleasedOnMysql("0003", place), 10],
];

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

async function migrateHere({ uri }: TestDatabase): Promise<string[]> {
  const database = mysql({ uri });
  try {
    return await migrate(database);
  } finally {
    await database.close();
  }
}

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  test("the schema of a fresh database is the one on record", async () => {
    const place = await testDatabase(MYSQL_URL);
    await migrateHere(place);
    await expect(await schemaText(place)).toMatchFileSnapshot("schema.txt");
  });

  test("all names and texts are compared by their bytes, and the tables can take part in transactions", async () => {
    const place = await testDatabase(MYSQL_URL);
    await migrateHere(place);
    const tables = await place.run(
      "SELECT table_name AS name, engine AS engine, table_collation AS collation FROM information_schema.tables WHERE table_schema = database()",
    );
    const own = tables.filter(({ name }) => !String(name).startsWith("kysely_"));
    expect(own.length).toBeGreaterThan(25);
    for (const { name, engine, collation } of own) {
      expect([name, engine, collation]).toEqual([name, "InnoDB", expect.stringMatching(/^utf8mb4_(0900|nopad)_bin$/)]);
    }
  });

  describe("a process that is killed while it migrates: the next one completes it", () => {
    const rounds = 4;
    const seed = Math.floor(Math.random() * 1e6);

    test.each(beginnings)(`%s (seed ${seed})`, { timeout: 120_000 }, async (_name, make, least) => {
      const whole = await testDatabase(MYSQL_URL);
      await make(whole);
      const { statements: total } = (await migrateInProcess(whole.uri)) ?? { statements: 0 };
      expect(total).toBeGreaterThan(least);
      for (let round = 0; round < rounds; round++) {
        const place = await testDatabase(MYSQL_URL);
        await make(place);
        // One part of the migration after the other, somewhere within each.
        const killAt = 1 + Math.floor(((round + fraction(seed + round)) * total) / rounds);
        const moment = (seed + round) % 2 === 0 ? "before" : "after";
        const about = `killed ${moment} statement ${killAt} of ${total}`;
        expect(await migrateInProcess(place.uri, String(killAt), moment), about).toBeNull();
        await migrateHere(place);
        expect(await schemaText(place), about).toBe(await schemaText(whole));
        expect(await rowsOf(place), about).toEqual(await rowsOf(whole));
        expect(await migrateHere(place)).toEqual([]);
      }
    });
  });

  test.each(beginnings)(
    "three processes that migrate %s at the same time: none fails, and it is done once",
    async (_name, make) => {
      const place = await testDatabase(MYSQL_URL);
      await make(place);
      const results = await Promise.all([1, 2, 3].map(() => migrateInProcess(place.uri)));
      const done = results.map((result) => result?.done ?? ["killed"]);
      expect(done.filter((names) => names.length > 0)).toHaveLength(1);
      expect(await migrateHere(place)).toEqual([]);
    },
  );

  test("two databases on one server are migrated without waiting for each other", async () => {
    const [one, other] = [await testDatabase(MYSQL_URL), await testDatabase(MYSQL_URL)];
    const database = mysql({ uri: one.uri });
    const held = database.write(async (tx) => {
      await tx.getExecutor().adapter.acquireMigrationLock(tx, {} as never);
      await migrateHere(other);
      await tx.getExecutor().adapter.releaseMigrationLock(tx, {} as never);
    });
    await held;
    await database.close();
  });
});

/** A number from 0 to 1 that looks random, the same for the same seed. */
function fraction(seed: number): number {
  return ((Math.imul(seed, 2_654_435_761) >>> 0) % 1000) / 1000;
}
