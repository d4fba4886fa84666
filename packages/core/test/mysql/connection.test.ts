import { setTimeout as delay } from "node:timers/promises";
import { sql } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { describeWith } from "../../../../scripts/test/services.ts";
import { migrate } from "../../src/db/migrations/index.ts";
import { findPackage } from "../../src/db/packages.ts";
import { mysql } from "../../src/mysql/index.ts";
import type { Database, Tx } from "../../src/ports/database.ts";
import { addUser, usernames } from "../../src/testing/database/harness.ts";
import { opened, testDatabase } from "./databases.ts";
import { startProxy } from "./proxy.ts";

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  /** A migrated database, and an object that reaches it by way of a proxy on at most `connectionLimit` connections. */
  async function start(connectionLimit = 4) {
    const place = await testDatabase(MYSQL_URL);
    const proxy = await startProxy(place.uri);
    const database = opened(mysql({ uri: proxy.uri, connectionLimit, acquireTimeoutMs: 1500 }));
    await migrate(database);
    return { place, proxy, database };
  }

  const attempt = (database: Database, work: (tx: Tx) => Promise<unknown>) =>
    database.write(work).then(
      () => "done",
      (error: unknown) => database.outage(error),
    );

  describe("lost connections", () => {
    test("while nobody uses them: the next reads and writes find others", async () => {
      const { place, database } = await start();
      for (let round = 0; round < 3; round++) {
        const asked = [1, 2, 3, 4].map(() =>
          sql<{ id: number }>`select connection_id() as id`.execute(database.reader),
        );
        const ids = new Set((await Promise.all(asked)).map(({ rows }) => rows[0]?.id));
        // Later, two may share one: a connection that was lost is noticed when it is used.
        if (round === 0) expect(ids.size).toBe(4);
        await place.run(...[...ids].map((id) => `KILL ${id}`));
        await Promise.all([
          database.write((tx) => addUser(tx, `ada-${round}`)),
          findPackage(database, { name: "fc" }),
          usernames(database),
        ]);
      }
      expect(await usernames(database)).toEqual(["ada-0", "ada-1", "ada-2"]);
    });

    test("under a read: it is sent again, once", async () => {
      const { proxy, database } = await start();
      for (const moment of ["asked", "answered"] as const) {
        proxy.cutAt("select `username`", moment);
        expect(await usernames(database)).toEqual([]);
      }
      await findPackage(database, { name: "fc" });
      proxy.cutAt("nobody", "asked");
      expect(await findPackage(database, { name: "nobody" })).toEqual([]);
    });

    test("under a transaction: its work is done again, and nothing twice", async () => {
      const { proxy, database } = await start();
      for (const [at, text] of ["begin", "insert into `Users`", "insert into `Tags`"].entries()) {
        let attempts = 0;
        proxy.cutAt(text, at % 2 === 0 ? "asked" : "answered");
        await database.write(async (tx) => {
          attempts++;
          await addUser(tx, `ada-${at}`);
          await tx
            .insertInto("Tags")
            .values({ name: `tag-${at}` })
            .execute();
        });
        expect(attempts, text).toBe(text === "begin" ? 1 : 2);
      }
      expect(await usernames(database)).toEqual(["ada-0", "ada-1", "ada-2"]);
    });

    test("under a commit: nobody knows, so it is not done again and the caller is told", async () => {
      const { proxy, database } = await start();
      const outcomes: unknown[] = [];
      for (const moment of ["asked", "answered"] as const) {
        let attempts = 0;
        // So that a connection is there: what new ones are told holds the word too.
        await usernames(database);
        proxy.cutAt("commit", moment);
        const said = await attempt(database, async (tx) => {
          attempts++;
          await addUser(tx, moment);
        });
        outcomes.push([said, attempts]);
      }
      expect(outcomes).toEqual([
        ["unavailable", 1],
        ["unavailable", 1],
      ]);
      expect(await usernames(database)).toEqual(["answered"]);
      await database.write((tx) => addUser(tx, "after"));
    });

    test("for a while, as when the server restarts: outages meanwhile, and everything works after", async () => {
      const { proxy, database } = await start();
      await database.write((tx) => addUser(tx, "before"));
      proxy.cut();
      for (let round = 0; round < 6; round++) {
        expect(await attempt(database, (tx) => addUser(tx, "never"))).toBe("unavailable");
        const failure = await findPackage(database, { name: "fc" }).catch((error: unknown) => error);
        expect(database.outage(failure)).toBe("unavailable");
      }
      proxy.restore();
      await Promise.all([1, 2, 3, 4, 5, 6].map((at) => database.write((tx) => addUser(tx, `after-${at}`))));
      expect(await usernames(database)).toHaveLength(7);
    });
  });

  describe("connections that are not to be had", () => {
    test("a wait for one ends in an outage, and who waited shorter gets it", async () => {
      const { database } = await start(1);
      const late = Promise.withResolvers<void>();
      const holding = database.write(() => late.promise);
      const tooLong = attempt(database, (tx) => addUser(tx, "impatient"));
      expect(await tooLong).toBe("unavailable");
      const short = database.write((tx) => addUser(tx, "patient"));
      await delay(50);
      late.resolve();
      await Promise.all([holding, short]);
      expect(await usernames(database)).toEqual(["patient"]);
    });

    test("too many for the server: an outage, and all is well when there are fewer", async () => {
      const place = await testDatabase(MYSQL_URL);
      const user = place.name.slice(-20);
      await place.run(
        `CREATE USER ${user}@'%' WITH MAX_USER_CONNECTIONS 1`,
        `GRANT ALL ON ${place.name}.* TO ${user}@'%'`,
      );
      onTestFinished(async () => void (await place.run(`DROP USER ${user}@'%'`)));
      const uri = place.uri.replace("root@", `${user}@`);
      const first = mysql({ uri });
      await migrate(first);
      const second = opened(mysql({ uri, connectionLimit: 3 }));
      for (let round = 0; round < 6; round++) {
        expect(await attempt(second, (tx) => addUser(tx, "never"))).toBe("unavailable");
      }
      await first.close();
      await expect.poll(() => attempt(second, (tx) => addUser(tx, "ada"))).toBe("done");
    });

    test("a wrong password is an outage; its error tells what is wrong", async () => {
      const place = await testDatabase(MYSQL_URL);
      const database = opened(mysql({ uri: place.uri.replace("root@", "nobody:secret@") }));
      const failure = await usernames(database).catch((error: unknown) => error);
      expect(String(failure)).toMatch(/access denied/i);
      expect(database.outage(failure)).toBe("unavailable");
    });
  });
});
