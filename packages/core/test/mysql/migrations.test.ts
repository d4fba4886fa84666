import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { TestDatabase } from "../../../../scripts/test/mysql.ts";
import { describeWith } from "../../../../scripts/test/services.ts";
import { migrate } from "../../src/db/migrations/index.ts";
import { mysql } from "../../src/mysql/index.ts";
import { killPoint, killRounds, killSeed, migrateInProcess, outdatedReleases } from "../db/killed-migrations.ts";
import { makeReleasedOnMysql } from "../db/released/unpack.ts";
import { testDatabase } from "./databases.ts";
import { makeOriginal } from "./original.ts";
import { rowsOf } from "./rows.ts";
import { schemaText } from "./schema-text.ts";

const script = fileURLToPath(new URL("migrate-process.ts", import.meta.url));

/** Databases to begin with, and how many statements it takes at least to bring them up to date. */
const beginnings: [string, (place: TestDatabase) => Promise<unknown>, number][] = [
  ["an empty database", async () => {}, 50],
  ["a database of the original project", makeOriginal, 50],
  ...outdatedReleases.map((release): [string, (place: TestDatabase) => Promise<unknown>, number] => [
    `a database of release ${release}`,
    (place) => makeReleasedOnMysql(release, place),
    5,
  ]),
];

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
    const timeout = 60_000 + killRounds * 30_000;

    test.each(beginnings)(`%s (seed ${killSeed})`, { timeout }, async (_name, make, least) => {
      const whole = await testDatabase(MYSQL_URL);
      await make(whole);
      const { statements: total } = (await migrateInProcess(script, whole.uri)) ?? { statements: 0 };
      expect(total).toBeGreaterThan(least);
      // Read now, while their times are those of a moment ago.
      const [schema, rows] = [await schemaText(whole), await rowsOf(whole)];
      for (let round = 0; round < killRounds; round++) {
        const place = await testDatabase(MYSQL_URL);
        await make(place);
        const { killAt, moment, about } = killPoint(round, total);
        expect(await migrateInProcess(script, place.uri, String(killAt), moment), about).toBeNull();
        await migrateHere(place);
        expect(await schemaText(place), about).toBe(schema);
        expect(await rowsOf(place), about).toEqual(rows);
        expect(await migrateHere(place)).toEqual([]);
      }
    });
  });

  test("a process that is killed before a table of the original has its condition: the next one adds it", async () => {
    const whole = await testDatabase(MYSQL_URL);
    await makeOriginal(whole);
    await migrateHere(whole);
    for (const condition of ["Packages_type", "PackageRatings_rating"]) {
      const place = await testDatabase(MYSQL_URL);
      await makeOriginal(place);
      expect(await migrateInProcess(script, place.uri, `ADD CONSTRAINT \`${condition}\``)).toBeNull();
      await migrateHere(place);
      expect(await schemaText(place)).toBe(await schemaText(whole));
    }
  });

  test.each(beginnings)(
    "three processes that migrate %s at the same time: none fails, and it is done once",
    async (_name, make) => {
      const place = await testDatabase(MYSQL_URL);
      await make(place);
      const results = await Promise.all([1, 2, 3].map(() => migrateInProcess(script, place.uri)));
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
