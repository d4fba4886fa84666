import { createPool } from "mysql2";
import { expect, onTestFinished, test } from "vitest";
import { describeWith } from "../../../../scripts/test/services.ts";
import { migrate } from "../../src/db/migrations/index.ts";
import { mysql } from "../../src/mysql/index.ts";
import { addUser, usernames } from "../../src/testing/database/harness.ts";
import { opened, testDatabase } from "./databases.ts";

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  async function start() {
    const place = await testDatabase(MYSQL_URL);
    const database = opened(mysql({ uri: place.uri }));
    await migrate(database);
    return { place, database };
  }

  test("a text that is too long is refused, not cut, whatever mode the server starts sessions in", async () => {
    const { place } = await start();
    const pool = createPool({ uri: place.uri });
    pool.on("connection", (connection) => connection.query("SET SESSION sql_mode = '', time_zone = '-05:00'"));
    onTestFinished(() => pool.promise().end());
    const database = opened(mysql({ pool }));
    const failing = database.write((tx) =>
      tx
        .insertInto("Tags")
        .values({ name: "x".repeat(51) })
        .execute(),
    );
    await expect(failing).rejects.toMatchObject({ errno: 1406 });
    expect(await database.reader.selectFrom("Tags").selectAll().execute()).toEqual([]);
  });

  test("closing leaves a pool of the host's own open", async () => {
    const { place } = await start();
    const pool = createPool({ uri: place.uri });
    const database = mysql({ pool });
    await database.write((tx) => addUser(tx, "ada"));
    await database.close();
    const [rows] = await pool.promise().query("SELECT count(*) AS users FROM Users");
    expect(rows).toEqual([{ users: 1 }]);
    await pool.promise().end();
  });

  test("a pool that could write something else than the registry means is refused", async () => {
    const { uri } = await testDatabase(MYSQL_URL);
    const several = createPool({ uri, multipleStatements: true });
    expect(() => mysql({ pool: several })).toThrow("without multipleStatements");
    await several.promise().end();
    expect(() => mysql({ uri: `${uri}?multipleStatements=true` })).toThrow("without multipleStatements");
    const narrow = createPool({ uri, charset: "utf8_general_ci" });
    onTestFinished(() => narrow.promise().end());
    await expect(usernames(opened(mysql({ pool: narrow })))).rejects.toThrow("charset utf8mb4");
  });

  test.each([
    ["the address", "?connectionLimit=2", {}],
    ["the option, where both do,", "?connectionLimit=7", { connectionLimit: 2 }],
  ])("%s says how many connections are open at once", async (_where, query, options) => {
    const { place } = await start();
    const database = opened(mysql({ uri: place.uri + query, acquireTimeoutMs: 2000, ...options }));
    const done = Promise.withResolvers<void>();
    const begun = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const holding = begun.map(({ resolve }) =>
      database.write(async () => {
        resolve();
        await done.promise;
      }),
    );
    await Promise.all(begun.map(({ promise }) => promise));
    await expect(usernames(database)).rejects.toThrow("No connection to the database became free");
    done.resolve();
    await Promise.all(holding);
    expect(await usernames(database)).toEqual([]);
  });

  test("only texts, numbers and null are taken as values", async () => {
    const { database } = await start();
    for (const value of [true, undefined, {}, Number.NaN, new Date(0), Buffer.from("x")]) {
      const reading = database.reader
        .selectFrom("Users")
        .selectAll()
        .where("username", "=", value as string)
        .execute();
      await expect(reading, String(value)).rejects.toThrow(TypeError);
    }
  });

  test("errors do not tell values", async () => {
    const { database } = await start();
    await database.write((tx) => addUser(tx, "ada"));
    const failing = database.write((tx) =>
      tx.insertInto("Users").values({ username: "ada", email: "x", password_hash: "very secret" }).execute(),
    );
    const failure = await failing.catch((error: unknown) => error);
    expect(database.isUniqueViolation(failure)).toBe(true);
    expect(JSON.stringify({ ...(failure as object) }) + String(failure)).not.toContain("very secret");
  });
});

test.each(["0", "-1", "2.5", "many", ""])("%j is no limit of connections", (limit) => {
  expect(() => mysql({ uri: `mysql://127.0.0.1/registry?connectionLimit=${limit}` })).toThrow(TypeError);
});

test.each(["mysql://127.0.0.1", "mysql://127.0.0.1/", "postgres://127.0.0.1/registry", "not an address"])(
  "%s is no address of a database",
  (uri) => {
    expect(() => mysql({ uri })).toThrow(TypeError);
  },
);
