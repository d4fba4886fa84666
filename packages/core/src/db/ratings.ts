import type { Executor, Tx } from "../ports/database.ts";

/** One user's rating of a package. */
export interface RatingRow {
  username: string;
  rating: number;
  comment: string | null;
  created_at: string;
}

/** Sets a user's rating of a package. */
export async function saveRating(
  tx: Tx,
  row: { package_id: number; user_id: number; rating: number; comment: string | null; created_at: string },
): Promise<void> {
  await deleteRating(tx, row.package_id, row.user_id);
  await tx.insertInto("PackageRatings").values(row).execute();
}

/** Removes a user's rating of a package; false when there is none. */
export async function deleteRating(tx: Tx, packageId: number, userId: number): Promise<boolean> {
  const result = await tx
    .deleteFrom("PackageRatings")
    .where("package_id", "=", packageId)
    .where("user_id", "=", userId)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

/** A user's rating of a package. */
export async function findRating(db: Executor, packageId: number, userId: number): Promise<RatingRow | undefined> {
  return ratings(db, packageId).where("r.user_id", "=", userId).executeTakeFirst();
}

/** Newest ratings of a package, at most 100. */
export async function listRatings(db: Executor, packageId: number): Promise<RatingRow[]> {
  return ratings(db, packageId).orderBy("r.created_at", "desc").orderBy("r.id", "desc").limit(100).execute();
}

/** How many ratings a package has, and their mean (null when there are none). */
export async function summarizeRatings(
  db: Executor,
  packageId: number,
): Promise<{ count: number; average: number | null }> {
  const row = await db
    .selectFrom("PackageRatings")
    .select((eb) => [eb.fn.countAll().as("count"), eb.fn.sum("rating").as("sum")])
    .where("package_id", "=", packageId)
    .executeTakeFirstOrThrow();
  // Divided here: engines differ in how exact their means are.
  const count = Number(row.count);
  return { count, average: count === 0 ? null : Number(row.sum) / count };
}

function ratings(db: Executor, packageId: number) {
  return db
    .selectFrom("PackageRatings as r")
    .innerJoin("Users as u", "u.id", "r.user_id")
    .select(["u.username", "r.rating", "r.comment", "r.created_at"])
    .where("r.package_id", "=", packageId);
}
