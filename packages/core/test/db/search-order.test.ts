import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { migrate } from "../../src/db/migrations/index.ts";
import { findPackages } from "../../src/db/search.ts";
import { saveSearchEntry } from "../../src/db/search-index.ts";
import { indexTerms, queryTerms } from "../../src/domain/search-terms.ts";
import { mysql } from "../../src/mysql/index.ts";
import type { Database } from "../../src/ports/database.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { addVersion } from "../../src/testing/database/harness.ts";
import { temporaryDatabase } from "../mysql/databases.ts";

const { MYSQL_URL } = process.env;

interface Sample {
  name: string;
  text: string;
  downloads: number;
  isPrivate: boolean;
  isPublished: boolean;
}

/** Some words are in most packages, some in few, some never with certain others. */
const words = [
  "cloud",
  "cloud",
  "cloud",
  "clouds",
  "fc",
  "fc-base",
  "oss",
  "图片",
  "图片处理",
  "处理图",
  "图",
  "café",
  "Rust",
];
const names = ["fc", "FC", "cloud", "Cloud", "clo", "oss", "图片", "rust", "x"];

const text = fc.array(fc.constantFrom(...words), { maxLength: 4 }).map((some) => some.join(" "));
const sample = fc.record({
  name: fc.constantFrom(...names),
  text,
  downloads: fc.constantFrom(0, 0, 0, 1, 2, 300),
  isPrivate: fc.boolean(),
  isPublished: fc.integer({ min: 0, max: 9 }).map((share) => share > 0),
});
const catalogue: readonly Sample[] = fc.sample(sample, { numRuns: 300, seed: 11 }).map((one, at) => ({
  ...(at < names.length ? { ...one, name: names[at] ?? "" } : { ...one, name: `${one.name}-${at}` }),
  text: `${one.text} ${halvesOf(at)}`,
}));

/** Two words that are common and seldom stand together. */
function halvesOf(at: number): string {
  if (at % 70 === 69) return "even odd";
  return at % 2 === 0 ? "even" : "odd";
}

const query = fc.record({
  text: fc.oneof(
    fc.constantFrom(...words, ...names, "c", "clo", "clou", "fc-", "fc-1", "片处", "理", "图片 cloud", "cloud fc oss"),
    fc.constantFrom("even odd", "odd even cloud", "od ev", "cloud odd fc even"),
    text.filter((some) => some !== ""),
  ),
  limit: fc.integer({ min: 1, max: 30 }),
  page: fc.integer({ min: 1, max: 12 }),
  hidden: fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 5 }),
  seesAll: fc.boolean(),
});

/** What a search must answer: everything is looked at, then sorted by the rules as they are written down. */
function reference(one: typeof query extends fc.Arbitrary<infer Query> ? Query : never): string[] {
  const asked = one.text.toLowerCase();
  const found = catalogue.filter((entry, at) => {
    if (!entry.isPublished || one.hidden.includes(at + 1) || (entry.isPrivate && !one.seesAll)) return false;
    const terms = indexTerms(`${entry.name} ${entry.text}`);
    return queryTerms(one.text).every((term) =>
      term.kind === "prefix"
        ? terms.some((own) => own.startsWith(term.term))
        : terms.some((_, start) => term.terms.every((wanted, offset) => terms[start + offset] === wanted)),
    );
  });
  const standing = ({ name }: Sample) => {
    const small = name.toLowerCase();
    return small === asked ? 0 : small.startsWith(asked) ? 1 : 2;
  };
  const inBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  return found
    .sort((a, b) => standing(a) - standing(b) || b.downloads - a.downloads || inBytes(a.name, b.name))
    .slice((one.page - 1) * one.limit, one.page * one.limit)
    .map(({ name }) => name);
}

async function fill(database: Database): Promise<void> {
  await migrate(database);
  await database.write(async (tx) => {
    for (const entry of catalogue) {
      // Without a folded key, as a taken-over database holds names that fold alike.
      const added = await tx
        .insertInto("Packages")
        .values({ name: entry.name, type: "plugin" })
        .executeTakeFirstOrThrow();
      const id = Number(added.insertId);
      const version = await addVersion(tx, id, "1.0.0");
      const values = {
        latest_version_id: entry.isPublished ? version : null,
        downloads_count: entry.downloads,
        visibility: entry.isPrivate ? "private" : "public",
      };
      await tx.updateTable("Packages").set(values).where("id", "=", id).execute();
      await saveSearchEntry(tx, id, { name: entry.name, terms: indexTerms(`${entry.name} ${entry.text}`) });
    }
  });
}

const engines: Record<string, () => Promise<{ database: Database; drop(): Promise<void> }>> = {
  SQLite: async () => ({ database: sqlite({ path: ":memory:" }), drop: async () => {} }),
};
if (MYSQL_URL !== undefined) {
  engines.MySQL = async () => {
    const place = await temporaryDatabase(MYSQL_URL);
    return { database: mysql({ uri: place.uri }), drop: place.drop };
  };
}

describe.each(Object.entries(engines))("on %s", (_, open) => {
  const opened: { database: Database; drop(): Promise<void> }[] = [];
  afterAll(async () => {
    for (const { database, drop } of opened) {
      await database.close();
      await drop();
    }
  });

  test("a search answers what looking at everything and sorting it would, page by page", {
    timeout: 120_000,
  }, async () => {
    const one = await open();
    opened.push(one);
    await fill(one.database);
    let found = 0;
    const same = fc.asyncProperty(query, async (asked) => {
      const { limit, page, hidden, seesAll } = asked;
      const rows = await findPackages(one.database, {
        ...{ terms: queryTerms(asked.text), text: asked.text.toLowerCase(), limit, offset: (page - 1) * limit },
        ...{ viewer: seesAll ? ("everything" as const) : null, hiddenIds: hidden },
      });
      found += rows.length;
      expect(rows.map((row) => row.name)).toEqual(reference(asked));
    });
    await fc.assert(same, { numRuns: 600 });
    expect(found).toBeGreaterThan(500);
  });
});
