import { createConnection } from "mysql2/promise";
import { afterAll } from "vitest";

/** A database on the server under test, with a name that nobody else has. */
export interface TestDatabase {
  name: string;
  uri: string;
  /** Runs statements in it, past the registry; resolves to the rows of the last one. */
  run(...statements: string[]): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
}

/** Makes an empty database on the server at `serverUrl`. Its defaults are none that the registry could rely on. */
export async function temporaryDatabase(serverUrl: string): Promise<TestDatabase> {
  const name = `registry_test_${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;
  const uri = new URL(serverUrl);
  uri.pathname = `/${name}`;
  await runOn(serverUrl, [`CREATE DATABASE ${name} CHARACTER SET latin1`]);
  return {
    name,
    uri: uri.href,
    run: (...statements) => runOn(uri.href, statements),
    drop: async () => void (await runOn(serverUrl, [`DROP DATABASE IF EXISTS ${name}`])),
  };
}

/**
 * Databases that are used again by one test after the other, since tables are dear to make: each is handed out without rows,
 * and has its tables from the second time on. They are dropped after the last test of the file.
 */
export function recycledDatabases(serverUrl: string): { take(): Promise<TestDatabase & { giveBack(): void }> } {
  const all: TestDatabase[] = [];
  const free: TestDatabase[] = [];
  afterAll(async () => {
    for (const database of all) await database.drop();
  });
  return {
    async take() {
      const known = free.pop();
      const database = known ?? (await temporaryDatabase(serverUrl));
      if (known === undefined) all.push(database);
      else await empty(known);
      return { ...database, giveBack: () => void free.push(database) };
    },
  };
}

/** Most tables have no rows after a test, and to look is cheaper than to delete nothing. */
async function empty({ run }: TestDatabase): Promise<void> {
  const tables = await run("SHOW TABLES");
  const names = tables.map((row) => String(Object.values(row)[0])).filter((name) => !name.startsWith("kysely_"));
  if (names.length === 0) return;
  const looks = names.map((name) => `(SELECT '${name}' AS name FROM ${name} LIMIT 1)`);
  const filled = await run(looks.join(" UNION ALL "));
  await run("SET foreign_key_checks = 0", "BEGIN", ...filled.map(({ name }) => `DELETE FROM ${name}`), "COMMIT");
}

/** Runs statements one after the other on a connection of their own; resolves to the rows of the last one. */
async function runOn(uri: string, statements: readonly string[]): Promise<Record<string, unknown>[]> {
  const connection = await createConnection({ uri, dateStrings: true });
  try {
    let rows: unknown = [];
    for (const statement of statements) [rows] = await connection.query(statement);
    return rows as Record<string, unknown>[];
  } finally {
    await connection.end();
  }
}
