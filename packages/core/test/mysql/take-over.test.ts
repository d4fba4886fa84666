import SqliteFile from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { describeWith } from "../../../../scripts/test/services.ts";
import { anonymous } from "../../src/context.ts";
import { migrate } from "../../src/db/migrations/index.ts";
import { memoryStorage } from "../../src/memory/index.ts";
import { mysql } from "../../src/mysql/index.ts";
import { argon2Passwords } from "../../src/passwords.ts";
import { createRegistry } from "../../src/registry.ts";
import { testSecret } from "../../src/testing/registry.ts";
import { originalRows, originalTime, originalUsers } from "../db/original.ts";
import { signIn, takenOver, zipBody } from "../db/taken-over.ts";
import { testDatabase } from "./databases.ts";
import { makeOriginal, type OriginalOptions } from "./original.ts";
import { comparable, isOfInterest, type RowsByTable, rowsOf } from "./rows.ts";
import { schemaText } from "./schema-text.ts";

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  /** A database of the original on MySQL that was taken over and is open in a registry. */
  async function takenOverOnMysql(options: OriginalOptions = {}) {
    const place = await testDatabase(MYSQL_URL);
    await makeOriginal(place, options);
    const passwords = argon2Passwords({ memoryKiB: 8, passes: 1 });
    const parts = { database: mysql({ uri: place.uri }), storage: memoryStorage() };
    const registry = createRegistry({ ...parts, passwords, serverSecret: testSecret });
    onTestFinished(() => registry.close());
    await registry.migrate();
    return { registry, place };
  }

  test("every table holds the same rows as when the same database is taken over on SQLite", async () => {
    const { after } = await takenOver();
    const { place } = await takenOverOnMysql();
    const [onSqlite, onMysql] = [sqliteRows(after), await rowsOf(place)];
    expect(Object.keys(onMysql).sort()).toEqual(Object.keys(onSqlite).sort());
    expect(onMysql.Versions?.length).toBeGreaterThan(20);
    for (const [table, rows] of Object.entries(onSqlite)) expect(onMysql[table], table).toEqual(rows);
  });

  test("answers are the same as when the same database is taken over on SQLite", async () => {
    const registries = [(await takenOver()).registry, (await takenOverOnMysql()).registry];
    const names = ["fc", "FC", "f-c", "my app", "函数", "_x", "empty", "twins", "loose", "worn", "nulls", "gone"];
    const answers = registries.map(async (registry) => {
      const said: unknown[] = [];
      const ask = async (answer: Promise<unknown>) => said.push(await answer.catch((error) => error.code));
      for (const name of names) {
        await ask(registry.releases.list(anonymous, { package: name }));
        await ask(registry.releases.latest(anonymous, { package: name }));
        await ask(registry.packages.stats(anonymous, { package: name }));
        await ask(registry.maintainers.list(anonymous, { package: name }));
        await ask(registry.ratings.list(anonymous, { package: name }));
        await ask(registry.search.packages(anonymous, { text: name }));
      }
      await ask(registry.catalog.tags(anonymous));
      await ask(registry.catalog.providers(anonymous));
      return JSON.parse(JSON.stringify(said), withoutNow);
    });
    const [onSqlite, onMysql] = await Promise.all(answers);
    expect(onMysql).toEqual(onSqlite);
  });

  test("everybody signs in with the old password, and publishes on", async () => {
    const { registry } = await takenOverOnMysql();
    for (const username of originalUsers) expect((await signIn(registry, username)).username).toBe(username);
    const ada = await signIn(registry, "ada");
    const release = await registry.releases.publish(ada, { package: "fc", version: "3.0.0", body: await zipBody() });
    expect(release).toMatchObject({ package: "fc", version: "3.0.0" });
    expect(await registry.releases.latest(anonymous, { package: "fc" })).toMatchObject({ version: "3.0.0" });
  });

  test("the tables become those of a fresh database, but for keys and checks that were there", async () => {
    const fresh = await testDatabase(MYSQL_URL);
    const database = mysql({ uri: fresh.uri });
    await migrate(database);
    await database.close();
    const { place } = await takenOverOnMysql();
    const [made, found] = [await schemaText(fresh), await schemaText(place)];
    const withoutKeys = (text: string) => text.replace(/^ {2}((unique )?key|check \w+_chk_) ?.*\n/gm, "");
    expect(withoutKeys(found)).toBe(withoutKeys(made));
    const keysOf = (text: string) => new Set(text.match(/^ {2}(unique )?key .*$/gm)?.map((line) => line.trim()));
    for (const key of keysOf(made)) {
      // A unique key of the original's serves under the name it had, and so does what it made for its references.
      if (/key \w+_(username|email|name) |_reference /.test(key)) continue;
      expect(keysOf(found)).toContain(key);
    }
  });

  describe("databases as others may have made them", () => {
    const user = { id: 1, username: "ada", email: "ada@example.com", password_hash: "x", created_at: originalTime };
    const few = {
      Users: [user],
      Packages: [{ id: 1, name: "fc", type: "component", create_time: originalTime, update_time: originalTime }],
      Versions: [
        {
          ...{ id: 1, package_id: 1, version: "1.0.0", edition: "3.0.0", created_at: originalTime, status: "active" },
          ...{ zipball_url: "https://registry.example.com/fc/zipball/1.0.0", grayscale: 0.3, readme: "函数" },
        },
      ],
      Tokens: [{ user_id: 1, token: "t".repeat(3000) }],
    };

    test.each<[string, OriginalOptions]>([
      ["with texts that are compared without regard to case", { collation: "utf8mb4_general_ci" }],
      ["in another character set", { collation: "utf8mb3_unicode_ci" }],
      ["with tables that know no transactions", { engine: "MyISAM" }],
    ])("%s", async (_name, options) => {
      const { registry, place } = await takenOverOnMysql({ ...options, rows: few });
      const [version] = await place.run("SELECT * FROM Versions");
      expect(version).toMatchObject({ grayscale: 0.3, readme: "函数", created_at: `${originalTime}.000` });
      await registry.users.register({}, { username: "Grace", email: "g@example.com", password: "correct horse" });
      const again = registry.users.register(
        {},
        { username: "grace", email: "h@example.com", password: "correct horse" },
      );
      await expect(again).rejects.toMatchObject({ code: "user_exists" });
      const text = await schemaText(place);
      expect(text).toContain("name varchar(64) by bytes not null");
      expect(text).not.toMatch(/general_ci|unicode_ci|swedish/);
    });

    test("with times of a server in another zone: they mean what they meant", async () => {
      const place = await testDatabase(MYSQL_URL);
      await makeOriginal(place, { rows: { Users: [] } });
      await place.run(
        "SET SESSION time_zone = '+08:00'",
        "INSERT INTO Users (username, email, password_hash, created_at) VALUES ('ada', 'a', '', '2023-05-06 15:08:09')",
      );
      const database = mysql({ uri: place.uri });
      await migrate(database);
      const rows = await database.reader.selectFrom("Users").select("created_at").execute();
      await database.close();
      expect(rows).toEqual([{ created_at: `${originalTime}.000` }]);
    });
  });
});

test("the fixture fills every documented table", () => {
  expect(Object.values(originalRows).every((rows) => rows.length > 0)).toBe(true);
});

function sqliteRows(path: string): RowsByTable {
  const file = new SqliteFile(path, { readonly: true });
  try {
    const names = file.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[];
    const rows = (name: string) => file.prepare<[], Record<string, unknown>>(`SELECT * FROM ${name}`).all();
    return Object.fromEntries(names.filter(isOfInterest).map((name) => [name, comparable(rows(name))]));
  } finally {
    file.close();
  }
}

/** What the take-over itself set is a moment that differs. */
function withoutNow(_key: string, value: unknown): unknown {
  const isNow = /^\d{4}-\d\d-\d\dT/.test(String(value)) && Date.parse(String(value)) > Date.now() - 600_000;
  return isNow ? "now" : value;
}
