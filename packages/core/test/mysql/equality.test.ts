import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { temporaryDatabase } from "../../../../scripts/test/mysql.ts";
import { describeWith } from "../../../../scripts/test/services.ts";
import { migrate } from "../../src/db/migrations/index.ts";
import { findPackages } from "../../src/db/search.ts";
import { saveSearchEntry } from "../../src/db/search-index.ts";
import { indexTerms, queryTerms } from "../../src/domain/search-terms.ts";
import { mysql } from "../../src/mysql/index.ts";
import type { Database, Tx } from "../../src/ports/database.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { addVersion } from "../../src/testing/database/harness.ts";
import { testRegistry } from "../../src/testing/registry.ts";
import { testDatabase } from "./databases.ts";
import { tellStory } from "./story.ts";

/** Pieces of texts and of what is looked for: words, their beginnings, Han of one to four bytes' worth, and punctuation. */
const pieces = [
  ...["fc", "FC", "fc3", "f", "function", "functions", "func", "web", "web_site", "100%", "a1", "Ä", "äh", "café", "ß"],
  ...[
    "函",
    "函数",
    "函数计算",
    "数计",
    "计算",
    "算",
    "部署",
    "𠮷",
    "𠮷野",
    "野",
    "начал",
    "начало",
    "か",
    "カ",
    "한국",
    "😀",
  ],
  ...["\\", "'", '"', "%", "_", "*", "+", "-", "(", "z".repeat(130), "z".repeat(99), "я".repeat(20)],
];
const hanPieces = ["函数", "数计", "计算", "函数计算", "计算函数", "数", "算函"];
const text = fc.oneof(textOf(pieces), textOf(hanPieces));

function textOf(list: readonly string[]): fc.Arbitrary<string> {
  const betweens = fc.constantFrom(" ", "", ", ");
  const parts = fc.array(fc.constantFrom(...list), { minLength: 1, maxLength: 6 });
  return fc.tuple(parts, betweens).map(([chosen, between]) => chosen.join(between));
}
describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  test("the same story on SQLite and on MySQL gives the same answers", { timeout: 60_000 }, async () => {
    const place = await testDatabase(MYSQL_URL);
    const tell = async (database: Database | undefined) => {
      const options = {
        serverSecret: "a secret of both engines, long enough",
        limits: { newPackagesPerHour: Infinity },
      };
      const t = await testRegistry({ ...options, ...(database && { database }) });
      onTestFinished(() => t.cleanup());
      return tellStory(t);
    };
    const [onSqlite, onMysql] = [await tell(undefined), await tell(mysql({ uri: place.uri }))];
    expect(onSqlite.length).toBeGreaterThan(150);
    expect(onSqlite.filter((answer) => answer !== null && Array.isArray(answer) && answer.length > 0)).not.toEqual([]);
    for (const [at, answer] of onSqlite.entries()) expect(onMysql[at], `answer ${at}`).toEqual(answer);
  });

  describe("searches", () => {
    const databases: Database[] = [];
    const drops: (() => Promise<void>)[] = [];
    beforeAll(async () => {
      const place = await temporaryDatabase(MYSQL_URL);
      drops.push(place.drop);
      databases.push(sqlite({ path: ":memory:" }), mysql({ uri: place.uri }));
      const catalogue = fc.sample(fc.tuple(text, fc.nat(3)), { numRuns: 120, seed: 7 });
      for (const database of databases) {
        await migrate(database);
        await database.write(async (tx) => {
          for (const [at, [description, downloads]] of catalogue.entries()) {
            // Names as a taken-over database may hold them.
            const piece = pieces[at % pieces.length]?.slice(0, 40);
            const name = at < pieces.length - 3 ? `${piece}` : `${piece}${at}`;
            const id = await addNamed(tx, name);
            const latest_version_id = await addVersion(tx, id, "1.0.0");
            const values = { latest_version_id, downloads_count: downloads };
            await tx.updateTable("Packages").set(values).where("id", "=", id).execute();
            await saveSearchEntry(tx, id, { name, terms: indexTerms(`${name} ${description}`) });
          }
        });
      }
    }, 60_000);
    afterAll(async () => {
      for (const database of databases) await database.close();
      for (const drop of drops) await drop();
    });

    test("find the same packages in the same order on SQLite and on MySQL", { timeout: 60_000 }, async () => {
      let found = 0;
      const same = fc.asyncProperty(text, async (query) => {
        const terms = queryTerms(query);
        fc.pre(terms.length > 0);
        const filter = { terms, text: query.toLowerCase(), viewer: null, hiddenIds: [], limit: 50, offset: 0 };
        const [onSqlite, onMysql] = await Promise.all(databases.map((one) => findPackages(one, filter)));
        const names = onSqlite?.map((row) => row.name) ?? [];
        found += names.length;
        expect(onMysql?.map((row) => row.name)).toEqual(names);
      });
      await fc.assert(same, { numRuns: 400, examples: pieces.map((piece): [string] => [piece]) });
      expect(found).toBeGreaterThan(100);
    });
  });
});

async function addNamed(tx: Tx, name: string): Promise<number> {
  const result = await tx.insertInto("Packages").values({ name, type: "plugin" }).executeTakeFirstOrThrow();
  return Number(result.insertId);
}
