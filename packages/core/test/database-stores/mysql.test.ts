import { afterAll, beforeAll, test } from "vitest";
import { describeWith } from "../../../../scripts/test/services.ts";
import { migrate } from "../../src/db/migrations/index.ts";
import { mysql } from "../../src/mysql/index.ts";
import type { Database } from "../../src/ports/database.ts";
import { type TestDatabase, temporaryDatabase } from "../mysql/databases.ts";
import { expectOneWinner } from "./contest.ts";
import { describeDatabaseStores } from "./suite.ts";

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  let place: TestDatabase;

  beforeAll(async () => {
    place = await temporaryDatabase(MYSQL_URL);
    const database = mysql({ uri: place.uri });
    await migrate(database);
    await database.close();
  });

  afterAll(() => place.drop());

  describeDatabaseStores("mysql", async () => {
    const opened: Database[] = [];
    const reopen = () => {
      const database = mysql({ uri: place.uri });
      opened.push(database);
      return database;
    };
    await place.run("DELETE FROM Nonces", "DELETE FROM RateCounters");
    const cleanup = async () => {
      for (const one of opened) await one.close();
    };
    return { database: reopen(), reopen, cleanup };
  });

  test("of two processes on one database one wins every claim, and a limit is a limit for both", {
    timeout: 60_000,
  }, async () => {
    await expectOneWinner({ store: "mysql", address: place.uri });
  });
});
