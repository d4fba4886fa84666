import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { copyRegistry } from "../../src/transfer/index.ts";
import { plans, uncopied } from "../../src/transfer/plan.ts";
import { copiesAWholeLife, copiesTheOriginal } from "./behaviours.ts";
import { fileParts, registryOn, smallRegistry } from "./parts.ts";

describe("from SQLite and files to SQLite and files", () => {
  test("both registries answer everything alike", { timeout: 60_000 }, async () => {
    await copiesAWholeLife(await fileParts(), await fileParts());
  });

  test("nothing of the source changes", async () => {
    const { parts } = await smallRegistry();
    const tables = async () => {
      const all = await parts.database.reader.introspection.getTables({ withInternalKyselyTables: true });
      const counts = all.map(async ({ name }) => [
        name,
        (await sql`select * from ${sql.table(name)}`.execute(parts.database.reader)).rows,
      ]);
      return Promise.all(counts);
    };
    const before = await tables();
    await copyRegistry({ from: parts, to: await fileParts() });
    expect(await tables()).toEqual(before);
  });

  test("a second run brings what changed, removes what is gone, and copies no archive twice", async () => {
    const { parts, t, ada } = await smallRegistry();
    const to = await fileParts();
    const bob = await t.user("bob");
    await t.registry.maintainers.add(ada, { package: "fc", username: "bob", role: "publisher" });
    const { token } = await t.registry.sessions.login({}, { username: "bob", password: "correct horse battery" });
    expect(await copyRegistry({ from: parts, to })).toMatchObject({ isComplete: true, archives: { copied: 2 } });

    await t.registry.maintainers.remove(ada, { package: "fc", username: "bob" });
    await t.registry.sessions.logout(await t.registry.sessions.authenticate(token));
    await t.publish(ada, { package: "fc", version: "1.1.0", tags: ["函数"] });
    await t.registry.packages.update(ada, { package: "oss", description: "stores things" });
    await t.registry.ratings.set(bob, { package: "oss", rating: 4 });
    const report = await copyRegistry({ from: parts, to });
    expect(report).toMatchObject({ isComplete: true, archives: { copied: 1, present: 2 } });

    const copy = registryOn(to, t.clock);
    await expect(copy.sessions.authenticate(token)).rejects.toMatchObject({ code: "invalid_token" });
    const found = (text: string) => copy.search.packages(anonymous, { text });
    expect(await found("stores")).toEqual(await t.registry.search.packages(anonymous, { text: "stores" }));
    expect(JSON.stringify(await found("函数"))).toContain("1.1.0");
    expect(JSON.stringify(await found("web"))).not.toContain("fc");
  });

  test("what changes while it runs is seen at the end, and another run brings it", async () => {
    const { parts, t, ada } = await smallRegistry();
    const to = await fileParts();
    const stage = async (expectedSize?: number) => {
      await t.registry.packages.update(ada, { package: "oss", description: "changed meanwhile" });
      return to.storage.stage(expectedSize);
    };
    const report = await copyRegistry({
      from: parts,
      to: { database: to.database, storage: { ...to.storage, stage } },
    });
    expect(report.isComplete).toBe(false);
    const different = report.tables.filter(({ isSame }) => !isSame).map(({ table }) => table);
    // A row more of the log, and as many packages and versions with other texts.
    expect(different.toSorted()).toEqual(["AuditLogs", "Packages", "Versions"]);
    expect(await copyRegistry({ from: parts, to })).toMatchObject({ isComplete: true });
  });

  test("all tables are copied but those that are left out on purpose", async () => {
    const { parts } = await smallRegistry();
    const tables = await parts.database.reader.introspection.getTables({ withInternalKyselyTables: true });
    const names = tables.map(({ name }) => name).filter((name) => !/^sqlite_/.test(name));
    const known = [...plans.map(({ table }) => table), ...uncopied];
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
    expect(plans.map(({ table }) => table).filter((table) => !names.includes(table))).toEqual([]);
  });

  test("a database of the original, with rows that belong to nothing", async () => {
    await copiesTheOriginal(await fileParts());
  });

  test("archives alone, when both sides have one database", async () => {
    const { parts } = await smallRegistry();
    const { storage } = await fileParts();
    const copy = () => copyRegistry({ from: parts, to: { database: parts.database, storage } });
    expect(await copy()).toMatchObject({ isComplete: true, tables: [], archives: { copied: 2, present: 0 } });
    expect(await copy()).toMatchObject({ isComplete: true, tables: [], archives: { copied: 0, present: 2 } });
  });
});
