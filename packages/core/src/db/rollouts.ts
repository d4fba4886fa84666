import type { Executor, Tx } from "../ports/database.ts";
import { prepared } from "./prepared.ts";
import { summaryColumns, type VersionSummaryRow } from "./versions.ts";

/** The active versions that are out for a part of the clients only. */
export const listRollouts = prepared<{ packageId: number }, VersionSummaryRow>((db, { packageId }) =>
  db
    .selectFrom("Versions as v")
    .select(summaryColumns)
    .where("v.package_id", "=", packageId)
    .where("v.status", "=", "active")
    .where("v.grayscale", "<", 1),
);

/** The rollouts of all packages none of whose versions is out for everybody, at most 5000. */
export const listPartialRollouts = prepared<Record<never, never>, VersionSummaryRow & { package_id: number }>((db) =>
  db
    .selectFrom("Packages as p")
    // Packages with rollouts are few, which SQLite cannot know; it keeps to the order of cross joins.
    .crossJoin("Versions as latest")
    .crossJoin("Versions as v")
    .whereRef("latest.id", "=", "p.latest_version_id")
    .whereRef("v.package_id", "=", "p.id")
    .select([...summaryColumns, "v.package_id"])
    .where("p.rollouts", ">", 0)
    .where("latest.grayscale", "<", 1)
    .where("v.status", "=", "active")
    .where("v.grayscale", "<", 1)
    .limit(5000),
);

const selectCount = prepared<{ packageId: number }, { count: number | string }>((db, { packageId }) =>
  db
    .selectFrom("Versions")
    .select((eb) => eb.fn.countAll<number | string>().as("count"))
    .where("package_id", "=", packageId)
    .where("status", "=", "active")
    .where("grayscale", "<", 1),
);

/** How many active versions are out for a part of the clients only. */
export async function countRollouts(db: Executor, packageId: number): Promise<number> {
  return Number((await selectCount(db, { packageId }))[0]?.count ?? 0);
}

/** Sets the share of clients an active version is out for; false when the version is not active. */
export async function updateRollout(tx: Tx, id: number, ratio: number): Promise<boolean> {
  const result = await tx
    .updateTable("Versions")
    .set({ grayscale: ratio })
    .where("id", "=", id)
    .where("status", "=", "active")
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}
