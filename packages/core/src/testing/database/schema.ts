import { sql } from "kysely";
import { expect } from "vitest";
import { fromRowTime } from "../../domain/times.ts";
import type { Database } from "../../ports/database.ts";
import type { Behaviours } from "../behaviours.ts";
import { type ColumnFacts, documentedTables, factsOf } from "./documented-tables.ts";
import { type DatabaseHarness, migrated, pairs, refusal, tablesOf } from "./harness.ts";

/** What the schema promises: the documented tables to the letter. */
export const schemaBehaviours: Behaviours<DatabaseHarness> = {
  async "the sixteen documented tables have their documented columns, in order and before our own"(harness) {
    const tables = await tablesOf(await migrated(harness));
    expect(Object.keys(documentedTables)).toHaveLength(16);
    for (const [name, columns] of Object.entries(documentedTables)) {
      const found = tables.find((table) => table.name === name)?.columns.map((column) => column.name);
      expect(found?.slice(0, columns.length), name).toEqual(columns.map((column) => factsOf(column).name));
    }
  },

  async "a row with the documented columns alone is enough, and gets the documented defaults"(harness) {
    const database = await migrated(harness);
    const before = Date.now() - 2000;
    const ids = await fillEveryTable(database);
    for (const [table, columns] of Object.entries(documentedTables)) {
      const [row] = await rowsOf(database, table);
      for (const { name, auto, defaultText } of columns.map(factsOf)) {
        const value = row?.[name];
        if (auto) expect(value, `${table}.${name}`).toBe(ids.get(table));
        if (defaultText === "now") expect(fromRowTime(String(value)), `${table}.${name}`).toBeGreaterThan(before);
        else if (defaultText !== undefined) expect(String(value), `${table}.${name}`).toBe(defaultText);
      }
    }
  },

  async "columns that the contract requires take no null, and the others do"(harness) {
    const tables = await tablesOf(await migrated(harness));
    for (const [name, columns] of Object.entries(documentedTables)) {
      for (const { name: column, auto, required } of columns.map(factsOf)) {
        const found = tables.find((table) => table.name === name)?.columns.find((one) => one.name === column);
        if (!auto) expect(found?.isNullable, `${name}.${column} is nullable`).toBe(!required);
        expect(found?.isAutoIncrementing, `${name}.${column} counts up`).toBe(auto);
      }
    }
  },

  async "columns that the contract calls unique are"(harness) {
    const database = await migrated(harness);
    await fillEveryTable(database);
    for (const [table, column] of columnsThat((facts) => facts.unique)) {
      const [row] = await rowsOf(database, table);
      const values = { ...required(table), [column]: row?.[column] };
      const failure = await refusal(database, (tx) =>
        sql`insert into ${sql.table(table)} ${pairs(values)}`.execute(tx),
      );
      expect(database.isUniqueViolation(failure), `${table}.${column}`).toBe(true);
    }
  },

  async "columns that the contract calls foreign keys are, and are enforced"(harness) {
    const database = await migrated(harness);
    await fillEveryTable(database);
    const keys = columnsThat((facts) => facts.refersTo !== undefined);
    expect(keys).toHaveLength(18);
    for (const [table, column] of keys) {
      const change = sql`update ${sql.table(table)} set ${sql.ref(column)} = 4711`;
      const failure = await refusal(database, (tx) => change.execute(tx));
      expect(database.isUniqueViolation(failure), `${table}.${column}`).toBe(false);
    }
    // What is referred to cannot go.
    for (const table of ["Users", "Providers", "Tags"]) {
      await refusal(database, (tx) => sql`delete from ${sql.table(table)}`.execute(tx));
    }
  },

  async "types of packages and ratings keep to the documented values"(harness) {
    const database = await migrated(harness);
    await fillEveryTable(database);
    for (const type of ["project", "component", "plugin"] as const) {
      await database.write((tx) => tx.updateTable("Packages").set({ type }).execute());
    }
    for (const type of ["", "Project", "gadget"]) {
      await refusal(database, (tx) => tx.updateTable("Packages").set({ type }).execute());
    }
    for (const rating of [1, 3, 5]) {
      await database.write((tx) => tx.updateTable("PackageRatings").set({ rating }).execute());
    }
    for (const rating of [0, 6, -1]) {
      await refusal(database, (tx) => tx.updateTable("PackageRatings").set({ rating }).execute());
    }
  },
};

async function rowsOf(database: Database, table: string): Promise<Record<string, unknown>[]> {
  return (await sql<Record<string, unknown>>`select * from ${sql.table(table)}`.execute(database.reader)).rows;
}

function columnsThat(wanted: (facts: ColumnFacts) => boolean): [table: string, column: string][] {
  return Object.entries(documentedTables).flatMap(([table, columns]) =>
    columns
      .map(factsOf)
      .filter(wanted)
      .map(({ name }): [string, string] => [table, name]),
  );
}

/** One row in every documented table, with its required columns and foreign keys only. The ids, by table. */
async function fillEveryTable(database: Database): Promise<Map<string, number>> {
  const ids = new Map<string, number>();
  await database.write(async (tx) => {
    for (const [table, columns] of Object.entries(documentedTables)) {
      const keys = columns.map(factsOf).flatMap(({ name, refersTo }) => {
        const id = refersTo === undefined ? undefined : ids.get(refersTo);
        return id === undefined ? [] : [[name, id] as const];
      });
      const values = { ...required(table), ...Object.fromEntries(keys) };
      const { insertId } = await sql`insert into ${sql.table(table)} ${pairs(values)}`.execute(tx);
      if (insertId !== undefined && columns.includes("id auto")) ids.set(table, Number(insertId));
    }
  });
  return ids;
}

/** Values for the columns that a row of the table must have; different every time. */
function required(table: string): Record<string, string> {
  const columns = (documentedTables[table] ?? []).map(factsOf);
  const values = columns
    .filter((facts) => facts.required && facts.refersTo === undefined)
    .map(({ name }) => [name, name === "type" ? "plugin" : crypto.randomUUID().slice(0, 8)] as const);
  if (values.length > 0 || table === "PackageProviders" || table === "PackageTags") return Object.fromEntries(values);
  const [free = ""] = columns.filter((facts) => !facts.auto && facts.refersTo === undefined).map((facts) => facts.name);
  return { [free]: free === "rating" ? "3" : "something" };
}
