import { expect } from "vitest";
import { saveRole } from "../../db/maintainers.ts";
import { findPackages } from "../../db/search.ts";
import { saveSearchEntry } from "../../db/search-index.ts";
import type { Viewer } from "../../db/viewers.ts";
import { indexTerms, queryTerms } from "../../domain/search-terms.ts";
import type { Database } from "../../ports/database.ts";
import type { Behaviours } from "../behaviours.ts";
import { addPackage, addUser, addVersion, type DatabaseHarness, migrated } from "./harness.ts";

interface Sample {
  name: string;
  text: string;
  downloads?: number;
}

const samples: readonly Sample[] = [
  { name: "fc", text: "Deploys 函数计算 functions to the cloud", downloads: 5 },
  { name: "fc3", text: "The next 函数 component, 100% faster", downloads: 500 },
  { name: "fc-base", text: "Shared parts of fc components_and_more", downloads: 50 },
  { name: "website", text: "Static pages on OSS, café style", downloads: 5 },
  { name: "start-rust", text: "Начало работы with fc", downloads: 900 },
  { name: "𠮷野", text: "a name beyond the first plane 😀" },
];

/** What the search index promises: the same hits in the same order on every engine. */
export const searchingBehaviours: Behaviours<DatabaseHarness> = {
  async "a search finds words and beginnings of words, never pieces inside"(harness) {
    const database = await withSamples(harness);
    expect(await search(database, "function")).toEqual(["fc"]);
    expect(await search(database, "FUNCTIONS")).toEqual(["fc"]);
    expect(await search(database, "unction")).toEqual([]);
    expect(await search(database, "comp")).toEqual(["fc3", "fc-base"]);
    expect(await search(database, "cafe")).toEqual(["website"]);
    expect(await search(database, "начал")).toEqual(["start-rust"]);
    expect(await search(database, "ачало")).toEqual([]);
  },

  async "a search finds runs of one, two and more Han characters"(harness) {
    const database = await withSamples(harness);
    expect(await search(database, "函数计算")).toEqual(["fc"]);
    expect(await search(database, "数计算")).toEqual(["fc"]);
    expect(await search(database, "计算")).toEqual(["fc"]);
    expect(await search(database, "函数")).toEqual(["fc3", "fc"]);
    expect(await search(database, "函")).toEqual(["fc3", "fc"]);
    expect(await search(database, "数")).toEqual(["fc3", "fc"]);
    expect(await search(database, "算")).toEqual(["fc"]);
    expect(await search(database, "函算")).toEqual([]);
    expect(await search(database, "𠮷")).toEqual(["𠮷野"]);
  },

  async "every word of a search must be found"(harness) {
    const database = await withSamples(harness);
    expect(await search(database, "cloud functions")).toEqual(["fc"]);
    expect(await search(database, "cloud pages")).toEqual([]);
    expect(await search(database, "函数 faster")).toEqual(["fc3"]);
  },

  async "punctuation means nothing to a search, whatever the engine's query language"(harness) {
    const database = await withSamples(harness);
    expect(await search(database, "100%")).toEqual(["fc3"]);
    for (const text of ['"cloud', "cloud*", "(cloud)", "+cloud -", "-cloud", "cloud'", "cloud\\", "^cloud", "@cloud"]) {
      expect(await search(database, text), text).toEqual(["fc"]);
    }
    for (const text of ["cl%ud", "cl_ud", "c*d*x", "terms:cloud", "cloud AND pages", "cloud NEAR oss"]) {
      expect(await search(database, text), text).toEqual([]);
    }
    expect(await search(database, "cloud OR pages")).toEqual([]);
    expect(await search(database, "NOT cloud")).toEqual([]);
  },

  async "hits come by exact name, names that begin so, downloads, name; and in pages"(harness) {
    const database = await withSamples(harness);
    const all = ["fc", "fc3", "fc-base", "start-rust"];
    expect(await search(database, "fc")).toEqual(all);
    expect(await search(database, "FC")).toEqual(all);
    expect(await search(database, "fc", { limit: 2 })).toEqual(all.slice(0, 2));
    expect(await search(database, "fc", { limit: 2, offset: 2 })).toEqual(all.slice(2));
    expect(await search(database, "fc", { limit: 2, offset: 4 })).toEqual([]);
  },

  async "private packages show to those who may see them only"(harness) {
    const database = await withSamples(harness);
    const [reader, former, stranger] = await database.write(async (tx) => {
      await tx.updateTable("Packages").set({ visibility: "private" }).where("name", "=", "fc").execute();
      const { id } = await tx.selectFrom("Packages").select("id").where("name", "=", "fc").executeTakeFirstOrThrow();
      const users = [await addUser(tx, "reader"), await addUser(tx, "former"), await addUser(tx, "stranger")] as const;
      await saveRole(tx, id, users[0], "reader");
      await saveRole(tx, id, users[1], "a role that an older program gave");
      return users;
    });
    expect(await search(database, "cloud")).toEqual([]);
    const all = { names: null, seesPublic: true };
    expect(await search(database, "cloud", { viewer: { userId: stranger, ...all } })).toEqual([]);
    expect(await search(database, "cloud", { viewer: { userId: former, ...all } })).toEqual([]);
    expect(await search(database, "cloud", { viewer: { userId: reader, ...all } })).toEqual(["fc"]);
    expect(await search(database, "cloud", { viewer: "everything" })).toEqual(["fc"]);
    for (const seesPublic of [true, false]) {
      for (const [name, found] of [
        ["fc", 1],
        ["f*", 1],
        ["*", 1],
        ["F*", 0],
        ["_c", 0],
        ["%", 0],
        ["fc-*", 0],
      ] as const) {
        const viewer = { userId: reader, names: ["other", name], seesPublic };
        expect(await search(database, "cloud", { viewer }), name).toHaveLength(found);
      }
    }
  },

  async "public packages show by name only where nothing is for everybody"(harness) {
    const database = await withSamples(harness);
    const userId = await database.write((tx) => addUser(tx, "reader"));
    const [first = ""] = await search(database, "fc");
    const limited = (seesPublic: boolean) => ({ viewer: { userId, names: [first], seesPublic } });
    expect(await search(database, "fc", limited(false))).toEqual([first]);
    expect(await search(database, "fc", limited(true))).toEqual(await search(database, "fc"));
  },

  async "packages can be left out before pages are cut"(harness) {
    const database = await withSamples(harness);
    const all = await search(database, "fc");
    const { id } = await database.reader
      .selectFrom("Packages")
      .select("id")
      .where("name", "=", all[0] ?? "")
      .executeTakeFirstOrThrow();
    expect(await search(database, "fc", { hiddenIds: [id], limit: 2 })).toEqual(all.slice(1, 3));
  },

  async "the index follows its package: new texts, none at all, and a write that came to nothing"(harness) {
    const database = await withSamples(harness);
    const [{ id } = { id: 0 }] = await database.reader
      .selectFrom("Packages")
      .select("id")
      .where("name", "=", "fc")
      .execute();
    const failing = database.write(async (tx) => {
      await saveSearchEntry(tx, id, { name: "fc", terms: ["lost"] });
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect([await search(database, "cloud"), await search(database, "lost")]).toEqual([["fc"], []]);
    await database.write((tx) => saveSearchEntry(tx, id, { name: "fc", terms: indexTerms("quite different") }));
    expect([await search(database, "cloud"), await search(database, "differ")]).toEqual([[], ["fc"]]);
    await database.write((tx) => saveSearchEntry(tx, id, null));
    expect(await search(database, "differ")).toEqual([]);
  },
};

async function withSamples(harness: DatabaseHarness): Promise<Database> {
  const database = await migrated(harness);
  await database.write(async (tx) => {
    for (const { name, text, downloads = 0 } of samples) {
      const id = await addPackage(tx, name);
      const latest_version_id = await addVersion(tx, id, "1.0.0");
      const values = { latest_version_id, downloads_count: downloads };
      await tx.updateTable("Packages").set(values).where("id", "=", id).execute();
      await saveSearchEntry(tx, id, { name, terms: indexTerms(`${name} ${text}`) });
    }
  });
  return database;
}

interface Options {
  limit?: number;
  offset?: number;
  viewer?: Viewer;
  hiddenIds?: readonly number[];
}

async function search(database: Database, text: string, options: Options = {}): Promise<string[]> {
  const { limit = 20, offset = 0, viewer = null, hiddenIds = [] } = options;
  const filter = { terms: queryTerms(text), text: text.toLowerCase(), viewer, hiddenIds, limit, offset };
  return (await findPackages(database, filter)).map((row) => row.name);
}
