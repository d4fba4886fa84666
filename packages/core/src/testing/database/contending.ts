import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { touchBlob } from "../../db/blobs.ts";
import { addDownloads } from "../../db/downloads.ts";
import { listLabelsOf, replaceLabels } from "../../db/labels.ts";
import { lockPackage } from "../../db/locks.ts";
import { countOwners, saveRole } from "../../db/maintainers.ts";
import { refreshLatest } from "../../db/package-index.ts";
import { findPackageById } from "../../db/packages.ts";
import { saveRating, summarizeRatings } from "../../db/ratings.ts";
import { saveSearchEntry } from "../../db/search-index.ts";
import { findVersionByKey } from "../../db/versions.ts";
import type { Database, Tx } from "../../ports/database.ts";
import type { Behaviours } from "../behaviours.ts";
import { addPackage, addUser, addVersion, countRows, type DatabaseHarness, migrated, someTime } from "./harness.ts";

/** What holds when many write the same rows at the same moment: nobody fails, and nothing is lost or there twice. */
export const contendingBehaviours: Behaviours<DatabaseHarness> = {
  async "the same archive taken in by many at once is one blob"(harness) {
    const database = await migrated(harness);
    await atOnce(8, (at) => database.write((tx) => touchBlob(tx, { sha256: "ab", size: 7, touched_at: later(at) })));
    const rows = await database.reader.selectFrom("Blobs").select(["sha256", "size", "state"]).execute();
    expect(rows).toEqual([{ sha256: "ab", size: 7, state: "live" }]);
  },

  async "the same new labels of many packages at once are there once, and every package has them"(harness) {
    const { database, ids } = await withPackages(harness, 8);
    const names = ["web", "函数", "Web", "z"];
    await atOnce(ids.length, (at) =>
      database.write((tx) => {
        const packageId = ids[at] ?? 0;
        return replaceLabels(tx, "tags", { packageId, names: at % 2 === 0 ? names : names.toReversed() });
      }),
    );
    expect(await countRows(database, "Tags")).toBe(names.length);
    for (const id of ids) expect(await listLabelsOf(database.reader, "tags", id)).toEqual(names.toSorted());
  },

  async "downloads counted by many at once all count"(harness) {
    const { database, ids } = await withPackages(harness, 3);
    const versions = await database.write(async (tx) => {
      const added: number[] = [];
      for (const id of ids) added.push(await addVersion(tx, id, "1.0.0"));
      return added;
    });
    await atOnce(8, (at) =>
      database.write(async (tx) => {
        const order = at % 2 === 0 ? ids.keys() : [...ids.keys()].reverse();
        for (const index of order) {
          const batch = { packageId: ids[index] ?? 0, versionId: versions[index] ?? 0, day: "2025-01-15", count: 2 };
          await addDownloads(tx, batch);
        }
      }),
    );
    const packages = await database.reader.selectFrom("Packages").select("downloads_count").execute();
    expect(packages).toEqual(ids.map(() => ({ downloads_count: 16 })));
    const days = await database.reader.selectFrom("DownloadDays").select("count").execute();
    expect(days).toEqual(ids.map(() => ({ count: 16 })));
  },

  async "changes of one package that begin by locking it see what the one before has done"(harness) {
    const { database, ids } = await withPackages(harness, 1);
    const id = ids[0] ?? 0;
    const seen = await atOnce(8, () =>
      database.write(async (tx) => {
        await lockPackage(tx, id);
        const [row] = await findPackageById(tx, { id });
        await delay(2);
        const rollouts = (row?.rollouts ?? 0) + 1;
        await tx.updateTable("Packages").set({ rollouts }).where("id", "=", id).execute();
        return rollouts;
      }),
    );
    expect(seen.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  },

  async "of two owners who step down at once one stays"(harness) {
    const { database, ids } = await withPackages(harness, 1);
    const id = ids[0] ?? 0;
    const users = await database.write(async (tx) => [await addUser(tx, "ada"), await addUser(tx, "grace")]);
    await database.write(async (tx) => {
      for (const user of users) await saveRole(tx, id, user, "owner");
    });
    const left = await atOnce(2, (at) => database.write((tx) => stepDown(tx, id, users[at] ?? 0)));
    expect(left.toSorted()).toEqual([false, true]);
    expect(await database.write((tx) => countOwners(tx, id))).toBe(1);
  },

  async "versions that become visible at once end with the right latest one"(harness) {
    const { database, ids } = await withPackages(harness, 1);
    const id = ids[0] ?? 0;
    const versions = ["1.0.0", "1.3.0", "1.1.0", "1.2.0"];
    await atOnce(versions.length, (at) =>
      database.write(async (tx) => {
        await lockPackage(tx, id);
        await addVersion(tx, id, versions[at] ?? "");
        await delay(2);
        await refreshLatest(tx, id);
        await saveSearchEntry(tx, id, { name: "fc", terms: ["version", versions[at] ?? ""] });
      }),
    );
    const [row] = await findPackageById(database, { id });
    const best = await findVersionByKey(database.reader, id, "1.3.0");
    expect(row?.latest_version_id).toBe(best?.id);
    expect(await countRows(database, "Versions")).toBe(versions.length);
  },

  async "a user's role and rating written by many at once are there once"(harness) {
    const { database, ids } = await withPackages(harness, 1);
    const id = ids[0] ?? 0;
    const user = await database.write((tx) => addUser(tx, "ada"));
    await atOnce(6, (at) =>
      database.write(async (tx) => {
        await lockPackage(tx, id);
        await saveRole(tx, id, user, at % 2 === 0 ? "owner" : "reader");
        const rating = { package_id: id, user_id: user, rating: 3, comment: null, created_at: someTime };
        await saveRating(tx, rating);
      }),
    );
    expect(await countRows(database, "PackageMaintainers")).toBe(1);
    expect(await summarizeRatings(database.reader, id)).toEqual({ count: 1, average: 3 });
  },

  async "transactions that wait for each other crosswise all come to their end"(harness) {
    const { database, ids } = await withPackages(harness, 2);
    await atOnce(6, (at) =>
      database.write(async (tx) => {
        for (const id of at % 2 === 0 ? ids : ids.toReversed()) {
          const more = tx.updateTable("Packages").set((eb) => ({ downloads_count: eb("downloads_count", "+", 1) }));
          await more.where("id", "=", id).execute();
          await delay(5);
        }
      }),
    );
    const rows = await database.reader.selectFrom("Packages").select("downloads_count").execute();
    expect(rows).toEqual([{ downloads_count: 6 }, { downloads_count: 6 }]);
  },
};

function atOnce<T>(times: number, work: (at: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: times }, (_, at) => work(at)));
}

function later(ms: number): string {
  return someTime.replace(/\d$/, String(ms % 10));
}

async function withPackages(
  harness: DatabaseHarness,
  packages: number,
): Promise<{ database: Database; ids: readonly number[] }> {
  const database = await migrated(harness);
  const ids = await database.write(async (tx) => {
    const added: number[] = [];
    for (let at = 0; at < packages; at++) added.push(await addPackage(tx, `package-${at}`));
    return added;
  });
  return { database, ids };
}

/** Makes an owner a maintainer unless they are the last one; false then. */
async function stepDown(tx: Tx, packageId: number, userId: number): Promise<boolean> {
  await lockPackage(tx, packageId);
  if ((await countOwners(tx, packageId)) < 2) return false;
  await delay(5);
  await saveRole(tx, packageId, userId, "maintainer");
  return true;
}
