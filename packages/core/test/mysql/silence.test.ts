import { sql } from "kysely";
import { expect, test } from "vitest";
import { describeWith } from "../../../../scripts/test/services.ts";
import { migrate } from "../../src/db/migrations/index.ts";
import { findPackage } from "../../src/db/packages.ts";
import { mysql } from "../../src/mysql/index.ts";
import { addUser, usernames } from "../../src/testing/database/harness.ts";
import { opened, testDatabase } from "./databases.ts";
import { startProxy } from "./proxy.ts";

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  /** A database by way of a proxy; a statement may take as long as `statementTimeoutMs`. */
  async function start(statementTimeoutMs: number) {
    const { uri } = await testDatabase(MYSQL_URL);
    const proxy = await startProxy(uri);
    return { proxy, database: opened(mysql({ uri: proxy.uri, acquireTimeoutMs: 2000, statementTimeoutMs })) };
  }

  test("a server that says nothing any more is an outage, and all is well when it speaks", async () => {
    const { proxy, database } = await start(2000);
    await migrate(database);
    proxy.silence();
    const startedAt = performance.now();
    for (const work of [
      () => usernames(database),
      () => findPackage(database, { name: "fc" }),
      () => database.write((tx) => addUser(tx, "never")),
    ]) {
      const failure = await work().then(String, (error: unknown) => error);
      expect(database.outage(failure), String(failure)).toBe("unavailable");
    }
    // By default one statement alone may take as long.
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    proxy.restore();
    await database.write((tx) => addUser(tx, "ada"));
    expect(await usernames(database)).toEqual(["ada"]);
  });

  test("without an answer to its commit a transaction is not done again, and before that neither", async () => {
    const { proxy, database } = await start(1000);
    await migrate(database);
    for (const moment of ["in the middle", "at the commit"]) {
      let attempts = 0;
      const failure = await database
        .write(async (tx) => {
          attempts++;
          if (moment === "in the middle") proxy.silence();
          await addUser(tx, "ada");
          proxy.silence();
        })
        .then(String, (error: unknown) => error);
      expect([moment, database.outage(failure), attempts]).toEqual([moment, "unavailable", 1]);
      proxy.restore();
    }
    expect(await usernames(database)).toEqual([]);
  });

  test("migrations take as long as they need, and nothing else", async () => {
    const { database } = await start(1000);
    const sleep = sql`select sleep(2)`;
    const failure = await sleep.execute(database.reader).then(String, (error: unknown) => error);
    expect(database.outage(failure)).toBe("unavailable");
    await database.reader.connection().execute(async (db) => {
      await sql`select get_lock(left(sha2(rand(), 256), 60), 1), sleep(2)`.execute(db);
      await sleep.execute(db);
    });
    await sql`create table slow as select sleep(2) as slept`.execute(database.reader);
  });
});
