import { sql } from "kysely";
import { expect } from "vitest";
import { migrate } from "../../db/migrations/index.ts";
import type { Behaviours } from "../behaviours.ts";
import { addUser, type DatabaseHarness, migrated, pairs, tablesOf, usernames, withSecond } from "./harness.ts";

/** What migrations promise: that they are safe to repeat, also at the same time. */
export const migratingBehaviours: Behaviours<DatabaseHarness> = {
  async "migrating again does nothing and keeps what is there"(harness) {
    const { database } = harness;
    expect((await migrate(database)).length).toBeGreaterThan(0);
    await database.write((tx) => addUser(tx, "ada"));
    const tables = await tablesOf(database);
    expect(await migrate(database)).toEqual([]);
    expect(await tablesOf(database)).toEqual(tables);
    expect(await usernames(database)).toEqual(["ada"]);
  },

  async "two migrations at once through one object: one does it all, the other nothing"(harness) {
    const { database } = harness;
    const done = await Promise.all([migrate(database), migrate(database)]);
    expect(done.map((names) => names.length > 0).sort()).toEqual([false, true]);
    await database.write((tx) => addUser(tx, "ada"));
  },

  async "two migrations at once through two objects: one does it all, the other nothing"(harness) {
    await withSecond(harness, async (second) => {
      const done = await Promise.all([migrate(harness.database), migrate(second)]);
      expect(done.map((names) => names.length > 0).sort()).toEqual([false, true]);
      await second.write((tx) => addUser(tx, "ada"));
      expect(await usernames(harness.database)).toEqual(["ada"]);
    });
  },

  async "a database that a newer release has migrated is refused and left as it is"(harness) {
    const database = await migrated(harness);
    const values = { name: "9999-of-a-newer-release", timestamp: "2099-01-01T00:00:00.000Z" };
    await database.write((tx) => sql`insert into kysely_migration ${pairs(values)}`.execute(tx));
    const tables = await tablesOf(database);
    await expect(migrate(database)).rejects.toThrow(/9999-of-a-newer-release/);
    expect(await tablesOf(database)).toEqual(tables);
    await database.write((tx) => addUser(tx, "ada"));
  },
};
