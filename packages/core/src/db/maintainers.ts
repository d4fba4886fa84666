import type { Executor, Tx } from "../ports/database.ts";
import { prepared } from "./prepared.ts";

/** The role of a user in a package, as stored. */
export const findRole = prepared<{ packageId: number; userId: number }, { role: string }>((db, { packageId, userId }) =>
  db.selectFrom("PackageMaintainers").select("role").where("package_id", "=", packageId).where("user_id", "=", userId),
);

/** Everybody with a role in a package, by user name. */
export async function listMaintainers(db: Executor, packageId: number): Promise<{ username: string; role: string }[]> {
  return db
    .selectFrom("PackageMaintainers as m")
    .innerJoin("Users as u", "u.id", "m.user_id")
    .select(["u.username", "m.role"])
    .where("m.package_id", "=", packageId)
    .orderBy("u.username")
    .execute();
}

/** Gives a user a role in a package, in place of any other. */
export async function saveRole(tx: Tx, packageId: number, userId: number, role: string): Promise<void> {
  const updated = await tx
    .updateTable("PackageMaintainers")
    .set({ role })
    .where("package_id", "=", packageId)
    .where("user_id", "=", userId)
    .executeTakeFirst();
  if (updated.numUpdatedRows === 0n) {
    await tx.insertInto("PackageMaintainers").values({ package_id: packageId, user_id: userId, role }).execute();
  }
}

/** Takes a user's role in a package away. */
export async function deleteRole(tx: Tx, packageId: number, userId: number): Promise<void> {
  await tx.deleteFrom("PackageMaintainers").where("package_id", "=", packageId).where("user_id", "=", userId).execute();
}

/** How many owners a package has. */
export async function countOwners(tx: Tx, packageId: number): Promise<number> {
  const row = await tx
    .selectFrom("PackageMaintainers")
    .select((eb) => eb.fn.countAll().as("count"))
    .where("package_id", "=", packageId)
    .where("role", "=", "owner")
    .executeTakeFirstOrThrow();
  return Number(row.count);
}
