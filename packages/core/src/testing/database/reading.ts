import { expect } from "vitest";
import { findPackage, findPackageWithLatest } from "../../db/packages.ts";
import { findTokenByHash } from "../../db/tokens.ts";
import { findVersion, listVisibleVersions } from "../../db/versions.ts";
import type { Database } from "../../ports/database.ts";
import type { Behaviours } from "../behaviours.ts";
import { addPackage, addUser, addVersion, type DatabaseHarness, migrated, someTime, withSecond } from "./harness.ts";

/** What the port promises of reads on kept statements, and of telling when others have changed something. */
export const readingBehaviours: Behaviours<DatabaseHarness> = {
  async "select gives the rows that the query builder gives"(harness) {
    const { database, ids } = await withVersions(harness);
    const query = database.reader.selectFrom("Versions").selectAll().where("id", "in", ids).orderBy("id", "desc");
    const rows = await query.execute();
    expect(rows).toHaveLength(3);
    expect(await database.select(query.compile())).toEqual(rows);
  },

  async "a prepared query gives the same outside a transaction, inside one and built by hand"(harness) {
    const { database, packageId } = await withVersions(harness);
    for (const name of ["fc", "nothing", "fc", "it's"]) {
      const byHand = await database.reader.selectFrom("Packages").selectAll().where("name", "=", name).execute();
      const outside = await findPackage(database, { name });
      const inside = await database.write((tx) => findPackage(tx, { name }));
      expect([outside, inside, await findPackage(database.reader, { name })]).toEqual([byHand, byHand, byHand]);
    }
    for (const version of ["1.0.0", "1.1.0", "9.9.9", "1.0.0"]) {
      const byHand = await database.reader
        .selectFrom("Versions")
        .selectAll()
        .where("package_id", "=", packageId)
        .where("version", "=", version)
        .execute();
      const inside = await database.write((tx) => findVersion(tx, { packageId, version }));
      expect([await findVersion(database, { packageId, version }), inside]).toEqual([byHand, byHand]);
    }
  },

  async "a prepared query over two tables gives the row with and without a match"(harness) {
    const { database, packageId, ids } = await withVersions(harness);
    const [before] = await findPackageWithLatest(database, { name: "fc" });
    expect(before).toMatchObject({ id: packageId, name: "fc", version_id: null, version: null, readme: null });
    await database.write((tx) =>
      tx
        .updateTable("Packages")
        .set({ latest_version_id: ids[2] ?? null })
        .execute(),
    );
    const [after] = await findPackageWithLatest(database, { name: "fc" });
    expect(after).toMatchObject({ id: packageId, version_id: ids[2], version: "1.2.0", readme: "# 函数 2" });
    const userId = await database.write((tx) => addUser(tx, "ada"));
    const token = { user_id: userId, token: "ab".repeat(32), expired_at: someTime };
    await database.write((tx) => tx.insertInto("Tokens").values(token).execute());
    const [session] = await findTokenByHash(database, { tokenHash: token.token });
    expect(session).toMatchObject({ user_id: userId, username: "ada", is_admin: 0, expired_at: someTime });
  },

  async "prepared queries at the same time keep to their own values"(harness) {
    const { database, packageId } = await withVersions(harness);
    const versions = Array.from({ length: 60 }, (_, at) => `1.${at % 4}.0`);
    const found = await Promise.all(versions.map((version) => findVersion(database, { packageId, version })));
    expect(found.map((rows) => rows[0]?.version ?? null)).toEqual(
      versions.map((version) => (version === "1.3.0" ? null : version)),
    );
  },

  async "a prepared query inside a transaction sees that transaction's changes"(harness) {
    const { database, packageId } = await withVersions(harness);
    expect(await listVisibleVersions(database, { packageId })).toHaveLength(3);
    const count = await database.write(async (tx) => {
      await tx.updateTable("Versions").set({ status: "deleted" }).where("version", "=", "1.1.0").execute();
      return (await listVisibleVersions(tx, { packageId })).map((row) => row.version);
    });
    expect(count).toEqual(["1.2.0", "1.0.0"]);
  },

  async "foreignChanges stays while only this object commits"(harness) {
    const database = await migrated(harness);
    const before = database.foreignChanges();
    await database.write((tx) => addUser(tx, "ada"));
    await database.write((tx) => addUser(tx, "ada")).catch(() => undefined);
    await database.reader.selectFrom("Users").selectAll().execute();
    await database.write((tx) => addUser(tx, "grace"));
    expect(database.foreignChanges()).toBe(before);
  },

  async "what another object has committed shows at once, and foreignChanges tells"(harness) {
    const database = await migrated(harness);
    await withSecond(harness, async (second) => {
      for (const name of ["fc", "oss", "log"]) {
        expect(await findPackage(database, { name })).toEqual([]);
        const before = database.foreignChanges();
        await second.write((tx) => addPackage(tx, name));
        expect(await findPackage(database, { name })).toHaveLength(1);
        if (before !== undefined) expect(database.foreignChanges()).not.toBe(before);
        const unchanged = database.foreignChanges();
        await second.write((tx) => addPackage(tx, name)).catch(() => undefined);
        expect(await findPackage(database, { name })).toHaveLength(1);
        expect(database.foreignChanges()).toBe(unchanged);
      }
    });
  },

  async "what was read keeps while foreignChanges stays, in both directions"(harness) {
    const database = await migrated(harness);
    await withSecond(harness, async (second) => {
      const [mine, theirs] = [database.foreignChanges(), second.foreignChanges()];
      await database.write((tx) => addUser(tx, "ada"));
      expect(database.foreignChanges()).toBe(mine);
      if (theirs !== undefined) expect(second.foreignChanges()).not.toBe(theirs);
    });
  },
};

async function withVersions(
  harness: DatabaseHarness,
): Promise<{ database: Database; packageId: number; ids: number[] }> {
  const database = await migrated(harness);
  return database.write(async (tx) => {
    const packageId = await addPackage(tx, "fc");
    await addPackage(tx, "it's");
    const ids: number[] = [];
    for (const at of [0, 1, 2]) {
      const id = await addVersion(tx, packageId, `1.${at}.0`);
      await tx
        .updateTable("Versions")
        .set({ readme: `# 函数 ${at}`, grayscale: at / 2 })
        .where("id", "=", id)
        .execute();
      ids.push(id);
    }
    return { database, packageId, ids };
  });
}
