import { onTestFinished } from "vitest";
import { recycledDatabases, type TestDatabase, temporaryDatabase } from "../../../../scripts/test/mysql.ts";
import { mysql } from "../../src/mysql/index.ts";
import type { Database } from "../../src/ports/database.ts";
import type { CreateDatabase } from "../../src/testing/database.ts";

export { type TestDatabase, temporaryDatabase } from "../../../../scripts/test/mysql.ts";

/** Opens a database; `release` lets go of what `close` leaves open. */
export type Open = (uri: string) => { database: Database; release?(): Promise<void> };

/** The usual way to open a database. */
export const openUri: Open = (uri) => ({ database: mysql({ uri }) });

/** Makes databases for a suite: new ones, and such as were used before and have their tables. */
export function creators(serverUrl: string, open: Open): { create: CreateDatabase; createMigrated: CreateDatabase } {
  const recycled = recycledDatabases(serverUrl);
  return {
    async create() {
      const { uri, drop } = await temporaryDatabase(serverUrl);
      return openedOn(uri, open, drop);
    },
    async createMigrated() {
      const { uri, giveBack } = await recycled.take();
      return openedOn(uri, open, giveBack);
    },
  };
}

function openedOn(uri: string, open: Open, leave: () => unknown): Awaited<ReturnType<CreateDatabase>> {
  const first = open(uri);
  const all = [first];
  return {
    database: first.database,
    async reopen() {
      const another = open(uri);
      all.push(another);
      return another.database;
    },
    async cleanup() {
      for (const { database, release } of all) {
        await database.close();
        await release?.();
      }
      await leave();
    },
  };
}

/** A database without tables, dropped when the test that asks for it is over. */
export async function testDatabase(serverUrl: string): Promise<TestDatabase> {
  const database = await temporaryDatabase(serverUrl);
  onTestFinished(() => database.drop());
  return database;
}

/** The database, closed when the test that opens it is over. */
export function opened(database: Database): Database {
  onTestFinished(() => database.close());
  return database;
}
