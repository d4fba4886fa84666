import { expect } from "vitest";
import { addDownloads } from "../../db/downloads.ts";
import { fromRowTime, toRowTime } from "../../domain/times.ts";
import type { Database } from "../../ports/database.ts";
import type { Behaviours } from "../behaviours.ts";
import { addPackage, addUser, addVersion, countRows, type DatabaseHarness, migrated } from "./harness.ts";

const plain = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,3})?$/;

/** What the port promises of the values that go in and come out. */
export const valueBehaviours: Behaviours<DatabaseHarness> = {
  async "texts come back as they were, whatever is in them"(harness) {
    const texts = ["", " ", 'it\'s "quoted" \\ %_', "a\r\nb\tc", "函数计算 𠮷野家 👩‍💻 e\u0301", "1.0", "null"];
    const database = await migrated(harness);
    expect(await readmesOf(database, texts)).toEqual(texts);
  },

  async "a text of 512 KiB comes back whole, in one byte a character or in four"(harness) {
    const texts = ["x".repeat(512 * 1024), "𠮷".repeat(128 * 1024)];
    const database = await migrated(harness);
    const found = await readmesOf(database, texts);
    expect(found.map((text) => text?.length)).toEqual(texts.map((text) => text.length));
    expect(found.every((text, at) => text === texts[at])).toBe(true);
  },

  async "null stays null and is not the empty text"(harness) {
    const database = await migrated(harness);
    expect(await readmesOf(database, [null, ""])).toEqual([null, ""]);
  },

  async "names are equal only when every character is"(harness) {
    const names = ["fc", "Fc", "FC", "fç", "fc\u0327", "ｆｃ", "f😀", "f😁", "ß", "ss"];
    await expectAllDifferent(await migrated(harness), names);
  },

  async "names that differ in trailing blanks only are different"(harness) {
    await expectAllDifferent(await migrated(harness), ["fc", "fc ", "fc  ", " fc"]);
  },

  async "names sort by their characters' codes, whatever their case"(harness) {
    const database = await migrated(harness);
    const names = ["A", "B", "_", "a", "a-1", "a1", "b"];
    await database.write(async (tx) => {
      for (const name of names.toReversed()) {
        await tx.insertInto("Packages").values({ name, type: "plugin" }).execute();
      }
    });
    const rows = await database.reader.selectFrom("Packages").select("name").orderBy("name").execute();
    expect(rows.map((row) => row.name)).toEqual(names);
  },

  async "whole numbers are exact up to 2^53 - 1, and are numbers"(harness) {
    const database = await migrated(harness);
    const sizes = [0, 1, 2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER];
    const touched_at = toRowTime(0);
    await database.write(async (tx) => {
      for (const size of sizes) {
        await tx
          .insertInto("Blobs")
          .values({ sha256: `${size}`, size, state: "live", touched_at })
          .execute();
      }
    });
    const blobs = await database.reader.selectFrom("Blobs").select("size").orderBy("size").execute();
    expect(blobs).toEqual(sizes.map((size) => ({ size })));
    const sized = await database.write(async (tx) => {
      const id = await addVersion(tx, await addPackage(tx, "fc"), "1.0.0");
      await tx.updateTable("Versions").set({ size: Number.MAX_SAFE_INTEGER }).where("id", "=", id).execute();
      return tx.selectFrom("Versions").select("size").execute();
    });
    expect(sized).toEqual([{ size: Number.MAX_SAFE_INTEGER }]);
  },

  async "a share of the clients is exact"(harness) {
    const database = await migrated(harness);
    const ratios = [0, 0.05, 0.1, 0.3, 1 / 3, 0.999, 1];
    await database.write(async (tx) => {
      const id = await addPackage(tx, "fc");
      for (const [at, grayscale] of ratios.entries()) {
        const row = { package_id: id, version: `1.0.${at}`, edition: "3.0.0", grayscale };
        await tx.insertInto("Versions").values(row).execute();
      }
    });
    const rows = await database.reader.selectFrom("Versions").select("grayscale").orderBy("id").execute();
    expect(rows.map((row) => row.grayscale)).toEqual(ratios);
  },

  async "an insert tells the new row's id, also when many insert at once"(harness) {
    const database = await migrated(harness);
    const names = Array.from({ length: 20 }, (_, at) => `user-${at}`);
    const ids = await Promise.all(names.map((name) => database.write((tx) => addUser(tx, name))));
    expect(new Set(ids).size).toBe(names.length);
    for (const [at, id] of ids.entries()) {
      expect(Number.isSafeInteger(id) && id > 0).toBe(true);
      const row = await database.reader.selectFrom("Users").select("username").where("id", "=", id).executeTakeFirst();
      expect(row?.username).toBe(names[at]);
    }
  },

  async "an id is not given again after its row was deleted"(harness) {
    const database = await migrated(harness);
    const first = await database.write((tx) => addUser(tx, "ada"));
    await database.write((tx) => tx.deleteFrom("Users").where("id", "=", first).execute());
    const second = await database.write((tx) => addUser(tx, "ada"));
    expect(second).toBeGreaterThan(first);
  },

  async "an update tells how many rows it matched, changed or not, and a delete how many it removed"(harness) {
    const database = await migrated(harness);
    await database.write(async (tx) => {
      const id = await addPackage(tx, "fc");
      const version = await addVersion(tx, id, "1.0.0");
      const toActive = tx.updateTable("Versions").set({ status: "active" });
      const same = await toActive.where("id", "=", version).where("status", "=", "active").executeTakeFirst();
      const none = await toActive.where("id", "=", version).where("status", "=", "pending").executeTakeFirst();
      expect([same.numUpdatedRows, none.numUpdatedRows]).toEqual([1n, 0n]);
      const removed = await tx.deleteFrom("Versions").where("id", "=", version).executeTakeFirst();
      const again = await tx.deleteFrom("Versions").where("id", "=", version).executeTakeFirst();
      expect([removed.numDeletedRows, again.numDeletedRows]).toEqual([1n, 0n]);
    });
  },

  async "sums and counts are right beyond 32 bits"(harness) {
    const database = await migrated(harness);
    const day = { day: "2025-01-15", count: 3_000_000_000 };
    const id = await database.write(async (tx) => {
      const packageId = await addPackage(tx, "fc");
      const versionId = await addVersion(tx, packageId, "1.0.0");
      await addDownloads(tx, { versionId, packageId, ...day });
      await addDownloads(tx, { versionId, packageId, ...day });
      return packageId;
    });
    const row = await database.reader.selectFrom("Packages").select("downloads_count").where("id", "=", id).execute();
    expect(row).toEqual([{ downloads_count: 6_000_000_000 }]);
    expect(await countRows(database, "DownloadDays")).toBe(1);
  },

  async "a time keeps its milliseconds, and sorts as text"(harness) {
    const database = await migrated(harness);
    const moments = [0, 951_782_399_999, Date.UTC(2025, 0, 15, 12, 0, 0, 7), Date.UTC(2037, 11, 31, 23, 59, 59, 999)];
    await database.write(async (tx) => {
      for (const ms of moments.toReversed()) {
        const blob = { sha256: `${ms}`, size: 1, state: "live", touched_at: toRowTime(ms) };
        await tx.insertInto("Blobs").values(blob).execute();
      }
    });
    const rows = await database.reader.selectFrom("Blobs").select("touched_at").orderBy("touched_at").execute();
    expect(rows.map((row) => row.touched_at)).toEqual(moments.map(toRowTime));
    const later = await database.reader
      .selectFrom("Blobs")
      .where("touched_at", ">", toRowTime(0))
      .selectAll()
      .execute();
    expect(later).toHaveLength(moments.length - 1);
  },

  async "a time the database sets itself is now, in UTC"(harness) {
    const database = await migrated(harness);
    const before = Date.now();
    await database.write((tx) =>
      tx.insertInto("Users").values({ username: "ada", email: "ada@example.com", password_hash: "" }).execute(),
    );
    const [row] = await database.reader.selectFrom("Users").select("created_at").execute();
    expect(row?.created_at).toMatch(plain);
    const found = fromRowTime(row?.created_at ?? null) ?? 0;
    expect(found).toBeGreaterThanOrEqual(before - 2000);
    expect(found).toBeLessThanOrEqual(Date.now() + 2000);
  },
};

async function readmesOf(database: Database, readmes: readonly (string | null)[]): Promise<(string | null)[]> {
  await database.write(async (tx) => {
    const id = await addPackage(tx, "fc");
    for (const [at, readme] of readmes.entries()) {
      const versionId = await addVersion(tx, id, `1.0.${at}`);
      await tx.updateTable("Versions").set({ readme }).where("id", "=", versionId).execute();
    }
  });
  const rows = await database.reader.selectFrom("Versions").select("readme").orderBy("id").execute();
  return rows.map((row) => row.readme);
}

/** Each name gets a row of its own, and is found by exactly its own spelling. */
async function expectAllDifferent(database: Database, names: readonly string[]): Promise<void> {
  await database.write(async (tx) => {
    for (const name of names) {
      await tx.insertInto("Packages").values({ name, type: "plugin" }).execute();
      await tx.insertInto("Users").values({ username: name, email: name, password_hash: "" }).execute();
    }
  });
  for (const name of names) {
    const packages = await database.reader.selectFrom("Packages").select("name").where("name", "=", name).execute();
    expect(packages).toEqual([{ name }]);
    const users = await database.reader.selectFrom("Users").select("username").where("username", "=", name).execute();
    expect(users).toEqual([{ username: name }]);
  }
}
