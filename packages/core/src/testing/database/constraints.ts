import { expect } from "vitest";
import { RegistryError } from "../../errors.ts";
import type { Database, Tx } from "../../ports/database.ts";
import type { Behaviours } from "../behaviours.ts";
import { addPackage, addUser, addVersion, type DatabaseHarness, migrated, refusal, someTime } from "./harness.ts";

/** What the port promises of keys, and of telling errors apart. */
export const constraintBehaviours: Behaviours<DatabaseHarness> = {
  async "isUniqueViolation is true for unique keys, over one column and over several"(harness) {
    const { database, packageId, userId } = await withSomeRows(harness);
    await expectUniqueViolation(database, (tx) => addUser(tx, "ada"));
    await expectUniqueViolation(database, (tx) => addPackage(tx, "fc"));
    await expectUniqueViolation(database, (tx) => addVersion(tx, packageId, "1.0.0"));
    await expectUniqueViolation(database, (tx) => tx.insertInto("Tags").values({ name: "web" }).execute());
    const rating = { package_id: packageId, user_id: userId, rating: 5 };
    await expectUniqueViolation(database, (tx) => tx.insertInto("PackageRatings").values([rating, rating]).execute());
  },

  async "isUniqueViolation is true for primary keys, numbers and texts and over several columns"(harness) {
    const { database, packageId, userId, versionId } = await withSomeRows(harness);
    await expectUniqueViolation(database, (tx) => tx.insertInto("Tags").values({ id: 7, name: "other" }).execute());
    const upload = {
      id_hash: "ab",
      version_id: versionId,
      user_id: userId,
      created_at: someTime,
      expires_at: someTime,
    };
    await expectUniqueViolation(database, (tx) => tx.insertInto("Uploads").values([upload, upload]).execute());
    const day = { version_id: versionId, package_id: packageId, day: "2025-01-15", count: 1 };
    await expectUniqueViolation(database, (tx) => tx.insertInto("DownloadDays").values([day, day]).execute());
  },

  async "isUniqueViolation is true for an update onto a taken key"(harness) {
    const { database } = await withSomeRows(harness);
    await database.write((tx) => addUser(tx, "grace"));
    await expectUniqueViolation(database, (tx) =>
      tx.updateTable("Users").set({ username: "ada" }).where("username", "=", "grace").execute(),
    );
  },

  async "isUniqueViolation is false for every other failure"(harness) {
    const { database, packageId, userId } = await withSomeRows(harness);
    const failures = [
      await refusal(database, (tx) => addVersion(tx, 4711, "1.0.0")),
      await refusal(database, (tx) => tx.deleteFrom("Packages").where("id", "=", packageId).execute()),
      await refusal(database, (tx) =>
        tx.insertInto("PackageRatings").values({ package_id: packageId, user_id: userId, rating: 0 }).execute(),
      ),
      await refusal(database, (tx) => tx.insertInto("Packages").values({ name: "x", type: "gadget" }).execute()),
      await refusal(database, (tx) =>
        tx
          .insertInto("Tags")
          .values({ name: null as never })
          .execute(),
      ),
      await refusal(database, (tx) =>
        tx
          .selectFrom("Nowhere" as "Users")
          .selectAll()
          .execute(),
      ),
      new Error("UNIQUE constraint failed"),
      new RegistryError("user_exists"),
      "SQLITE_CONSTRAINT_UNIQUE",
      null,
      undefined,
    ];
    expect(failures.map((failure) => database.isUniqueViolation(failure))).toEqual(failures.map(() => false));
  },

  async "a unique key takes any number of rows without a value"(harness) {
    const database = await migrated(harness);
    await database.write(async (tx) => {
      for (const username of ["one", "two", "three"]) {
        await tx.insertInto("Users").values({ username, email: username, password_hash: "" }).execute();
      }
    });
    const rows = await database.reader.selectFrom("Users").select(["username_key", "email_key"]).execute();
    expect(rows).toEqual([1, 2, 3].map(() => ({ username_key: null, email_key: null })));
  },

  async "a package may point to its own version, which points back"(harness) {
    const { database, packageId, versionId } = await withSomeRows(harness);
    await database.write((tx) =>
      tx.updateTable("Packages").set({ latest_version_id: versionId }).where("id", "=", packageId).execute(),
    );
    await database.write((tx) => tx.deleteFrom("Versions").where("id", "=", versionId).execute());
    const row = await database.reader.selectFrom("Packages").select("latest_version_id").executeTakeFirst();
    expect(row).toEqual({ latest_version_id: null });
  },

  async "outage is null for what is no outage"(harness) {
    const { database, packageId } = await withSomeRows(harness);
    const failures = [
      await refusal(database, (tx) => addUser(tx, "ada")),
      await refusal(database, (tx) => addVersion(tx, 4711, "1.0.0")),
      await refusal(database, (tx) => tx.deleteFrom("Packages").where("id", "=", packageId).execute()),
      await refusal(database, (tx) =>
        tx
          .selectFrom("Nowhere" as "Users")
          .selectAll()
          .execute(),
      ),
      new RegistryError("package_not_found"),
      new TypeError("x is not a function"),
      "unavailable",
      null,
      undefined,
    ];
    expect(failures.map((failure) => database.outage(failure))).toEqual(failures.map(() => null));
  },
};

async function withSomeRows(harness: DatabaseHarness) {
  const database = await migrated(harness);
  return database.write(async (tx) => {
    const packageId = await addPackage(tx, "fc");
    const versionId = await addVersion(tx, packageId, "1.0.0");
    await tx.insertInto("Tags").values({ id: 7, name: "web" }).execute();
    return { database, packageId, versionId, userId: await addUser(tx, "ada") };
  });
}

async function expectUniqueViolation(database: Database, work: (tx: Tx) => Promise<unknown>): Promise<void> {
  const failure = await refusal(database, work);
  expect(database.isUniqueViolation(failure), String(failure)).toBe(true);
}
