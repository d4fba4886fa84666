import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { Database, Tx } from "../../ports/database.ts";
import type { Behaviours } from "../behaviours.ts";
import { addPackage, addUser, type DatabaseHarness, migrated, refusal, usernames, withSecond } from "./harness.ts";

/** What the port promises of transactions. */
export const transactionBehaviours: Behaviours<DatabaseHarness> = {
  async "a write is committed as a whole and hands on what its work returns"(harness) {
    const database = await migrated(harness);
    const ids = await database.write(async (tx) => [await addUser(tx, "ada"), await addUser(tx, "grace")]);
    expect(ids).toHaveLength(2);
    expect(await usernames(database)).toEqual(["ada", "grace"]);
  },

  async "a write whose work throws leaves nothing, and the error comes out as it is"(harness) {
    const database = await migrated(harness);
    const mine = new Error("changed my mind");
    const failure = await refusal(database, async (tx) => {
      await addUser(tx, "ada");
      await tx.insertInto("Tags").values({ name: "web" }).execute();
      throw mine;
    });
    expect(failure).toBe(mine);
    expect(await usernames(database)).toEqual([]);
    expect(await database.reader.selectFrom("Tags").selectAll().execute()).toEqual([]);
  },

  async "a write that the engine refuses leaves nothing and the connection in order, again and again"(harness) {
    const database = await migrated(harness);
    for (let round = 0; round < 12; round++) {
      const failure = await refusal(database, async (tx) => {
        await addUser(tx, `ada-${round}`);
        await addUser(tx, `ada-${round}`);
      });
      expect(database.isUniqueViolation(failure)).toBe(true);
      await refusal(database, (tx) =>
        tx
          .selectFrom("Nowhere" as "Users")
          .selectAll()
          .execute(),
      );
    }
    expect(await usernames(database)).toEqual([]);
    await database.write((tx) => addUser(tx, "grace"));
    expect(await usernames(database)).toEqual(["grace"]);
  },

  async "work sees its own changes before they are committed"(harness) {
    const database = await migrated(harness);
    const seen = await database.write(async (tx) => {
      await addUser(tx, "ada");
      return tx.selectFrom("Users").select("username").execute();
    });
    expect(seen).toEqual([{ username: "ada" }]);
  },

  async "what a write has committed, the next read sees"(harness) {
    const database = await migrated(harness);
    const query = database.reader.selectFrom("Users").select("username").orderBy("id", "desc").limit(1).compile();
    for (let round = 0; round < 20; round++) {
      await database.write((tx) => addUser(tx, `ada-${round}`));
      expect(await usernames(database)).toHaveLength(round + 1);
      expect(await database.select(query)).toEqual([{ username: `ada-${round}` }]);
    }
  },

  async "no read sees what is not committed"(harness) {
    const database = await migrated(harness);
    const query = database.reader.selectFrom("Users").select("username").compile();
    const [inserted, decision] = [Promise.withResolvers<void>(), Promise.withResolvers<never>()];
    const writing = database.write(async (tx) => {
      await addUser(tx, "ada");
      inserted.resolve();
      return decision.promise;
    });
    await inserted.promise;
    // These may wait for the write's end, on a database with one connection.
    const reads = Promise.all([usernames(database), database.select(query)]);
    await Promise.race([reads, delay(50)]);
    decision.reject(new Error("never mind"));
    await expect(writing).rejects.toThrow("never mind");
    expect(await reads).toEqual([[], []]);
  },

  async "who keeps a transaction beyond its end can do nothing with it"(harness) {
    const database = await migrated(harness);
    const query = database.reader.selectFrom("Users").select("username").compile();
    const kept: Tx[] = [];
    await database.write(async (tx) => void kept.push(tx));
    await refusal(database, async (tx) => {
      kept.push(tx);
      throw new Error("no");
    });
    for (const tx of kept) await expect(tx.executeQuery(query)).rejects.toThrow();
    await expect(database.write((tx) => addUser(tx, "ada"))).resolves.toBeGreaterThan(0);
  },

  async "writes at the same time happen one after the other, and all of them"(harness) {
    const database = await migrated(harness);
    const id = await database.write((tx) => addPackage(tx, "counted"));
    const counts = await Promise.all(Array.from({ length: 25 }, () => countUp(database, id)));
    expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 25 }, (_, at) => at + 1));
  },

  async "writes that fail do not disturb those beside them"(harness) {
    const database = await migrated(harness);
    const id = await database.write((tx) => addPackage(tx, "counted"));
    const attempts = Array.from({ length: 20 }, (_, at) =>
      at % 2 === 0
        ? countUp(database, id)
        : database.write(async (tx) => {
            await tx.updateTable("Packages").set({ downloads_count: 1000 }).where("id", "=", id).execute();
            throw new Error("no");
          }),
    );
    const done = await Promise.allSettled(attempts);
    expect(done.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
    const row = await database.reader.selectFrom("Packages").select("downloads_count").executeTakeFirst();
    expect(row).toEqual({ downloads_count: 10 });
  },

  async "writes of two objects on the same data happen one after the other, and all of them"(harness) {
    const database = await migrated(harness);
    const id = await database.write((tx) => addPackage(tx, "counted"));
    await withSecond(harness, async (second) => {
      const sources = [database, second];
      const counts = await Promise.all(Array.from({ length: 20 }, (_, at) => countUp(sources[at % 2] ?? second, id)));
      expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    });
  },

  async "a foreign key or check that fails rolls the whole write back"(harness) {
    const database = await migrated(harness);
    await refusal(database, async (tx) => {
      const id = await addPackage(tx, "rated");
      const user = await addUser(tx, "ada");
      await tx.insertInto("PackageRatings").values({ package_id: id, user_id: user, rating: 6 }).execute();
    });
    await refusal(database, async (tx) => {
      await addUser(tx, "grace");
      await tx.insertInto("Services").values({ package_id: 4711, service_name: "x" }).execute();
    });
    expect(await usernames(database)).toEqual([]);
    expect(await database.reader.selectFrom("Packages").selectAll().execute()).toEqual([]);
  },
};

/** Adds one to a package's downloads and says how many there are then. */
function countUp(database: Database, id: number): Promise<number> {
  return database.write(async (tx) => {
    const more = tx.updateTable("Packages").set((eb) => ({ downloads_count: eb("downloads_count", "+", 1) }));
    await more.where("id", "=", id).execute();
    await delay(1);
    const row = await tx
      .selectFrom("Packages")
      .select("downloads_count")
      .where("id", "=", id)
      .executeTakeFirstOrThrow();
    return row.downloads_count;
  });
}
