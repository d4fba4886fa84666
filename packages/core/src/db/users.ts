import { type Selectable, sql } from "kysely";
import type { Executor, Tx } from "../ports/database.ts";
import type { Tables } from "../ports/tables.ts";

/** A row of Users. */
export type UserRow = Selectable<Tables["Users"]>;

/**
 * The user of this name: the one with exactly this spelling, else the one who holds it whatever the case
 * (a taken-over database may hold names that differ only by case).
 */
export async function findUser(db: Executor, username: string): Promise<UserRow | undefined> {
  const rows = await db
    .selectFrom("Users")
    .selectAll()
    .where((eb) => eb.or([eb("username", "=", username), eb("username_key", "=", username.toLowerCase())]))
    .execute();
  return rows.find((row) => row.username === username) ?? rows[0];
}

/** The password hash of the account at this share (0 to 1) of all ids that were given; empty where there is none. */
export async function findHashAt(db: Executor, share: number): Promise<string> {
  const row = await db
    .selectFrom("Users")
    .select("password_hash")
    .where("id", ">=", sql<number>`(select max(id) from Users) * ${share}`)
    .orderBy("id")
    .limit(1)
    .executeTakeFirst();
  return row?.password_hash ?? "";
}

/** Adds a user and says under which id. A name or address that is taken violates a unique key. */
export async function insertUser(
  tx: Tx,
  row: Pick<UserRow, "username" | "username_key" | "email" | "email_key" | "password_hash" | "created_at">,
): Promise<number> {
  const result = await tx.insertInto("Users").values(row).executeTakeFirstOrThrow();
  return Number(result.insertId);
}

/** Changes columns of a user. */
export async function updateUser(
  tx: Tx,
  id: number,
  values: Partial<Pick<UserRow, "password_hash" | "last_login">>,
): Promise<void> {
  await tx.updateTable("Users").set(values).where("id", "=", id).execute();
}

/** Replaces a password hash if it is still the one that was read; false when somebody was faster. */
export async function replacePasswordHash(tx: Tx, id: number, hashes: { from: string; to: string }): Promise<boolean> {
  const result = await tx
    .updateTable("Users")
    .set({ password_hash: hashes.to })
    .where("id", "=", id)
    .where("password_hash", "=", hashes.from)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Names an administrator, or takes the right back; false when there is no such user. */
export async function updateAdmin(tx: Tx, username: string, isAdmin: boolean): Promise<boolean> {
  const user = await findUser(tx, username);
  if (user === undefined) return false;
  await tx
    .updateTable("Users")
    .set({ is_admin: isAdmin ? 1 : 0 })
    .where("id", "=", user.id)
    .execute();
  return true;
}
