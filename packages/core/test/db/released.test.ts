import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { describeWith } from "../../../../scripts/test/services.ts";
import { anonymous } from "../../src/context.ts";
import { migrationNames } from "../../src/db/migrations/index.ts";
import { mysql } from "../../src/mysql/index.ts";
import type { Database } from "../../src/ports/database.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { testDatabase } from "../mysql/databases.ts";
import { schemaText as mysqlSchema } from "../mysql/schema-text.ts";
import { testFile } from "../sqlite/files.ts";
import { ask, registryAt } from "./released/life.ts";
import { answersOf, makeReleased, makeReleasedOnMysql, releases, unreleased } from "./released/unpack.ts";
import { schemaText } from "./schema-text.ts";

/** Brings a database of a release up to date, asks it what the release was asked, and goes on living with it. */
async function goesOn(release: string, database: Database): Promise<void> {
  const { now, answers } = answersOf(release);
  expect(answers.length).toBeGreaterThan(100);
  const t = await registryAt(database, now);
  try {
    const today = await ask(t);
    // Later releases may tell more, never something else.
    for (const [at, answer] of answers.entries()) expect(today[at], `answer ${at}`).toMatchObject(wrapped(answer));
    expect(await t.registry.audit.verify()).toMatchObject({ problem: null });
    const ada = await t.registry.sessions.login({}, { username: "ada", password: "correct horse battery" });
    const actor = await t.registry.sessions.authenticate(ada.token);
    expect(await t.registry.apiKeys.list(actor)).toMatchObject([{ name: "ci" }]);
    await t.publish(actor, { package: "later", version: "1.0.0", description: "published by a later release" });
    expect(await t.registry.search.packages(anonymous, { text: "later release" })).toMatchObject([
      { package: "later" },
    ]);
    expect(await t.registry.migrate()).toEqual([]);
  } finally {
    await t.cleanup();
  }
}

function wrapped(answer: unknown): object {
  return typeof answer === "object" && answer !== null ? answer : { answer };
}

test("databases are kept of every release: of the newest migration, but for those that are in none", () => {
  expect(releases).toEqual(expect.arrayContaining(["0003", "0006"]));
  const later = migrationNames.filter((name) => name.slice(0, 4) > (releases.at(-1) ?? ""));
  expect(later, "keep databases of the newest migration, or name it as unreleased").toEqual(unreleased);
});

test("no migration is unreleased once a release is made, which uses up the changesets", () => {
  const folder = join(import.meta.dirname, "../../../../.changeset");
  const waiting = readdirSync(folder).filter((name) => name.endsWith(".md") && name !== "README.md");
  expect(waiting.length === 0 ? unreleased : []).toEqual([]);
});

describe.each(releases)("a database of release %s", (release) => {
  test("gets the schema of a fresh one, answers as before and goes on, on SQLite", async () => {
    const [path, fresh] = [await testFile(), await testFile()];
    makeReleased(release, path);
    await goesOn(release, sqlite({ path, durability: "normal" }));
    await (await registryAt(sqlite({ path: fresh, durability: "normal" }))).cleanup();
    expect(schemaText(path)).toBe(schemaText(fresh));
  });

  describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
    test("gets the schema of a fresh one, answers as before and goes on, on MySQL", { timeout: 60_000 }, async () => {
      const [place, fresh] = [await testDatabase(MYSQL_URL), await testDatabase(MYSQL_URL)];
      await makeReleasedOnMysql(release, place);
      await goesOn(release, mysql({ uri: place.uri }));
      await (await registryAt(mysql({ uri: fresh.uri }))).cleanup();
      expect(await mysqlSchema(place)).toBe(await mysqlSchema(fresh));
    });
  });
});
