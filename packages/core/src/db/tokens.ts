import type { Tx } from "../ports/database.ts";
import { prepared } from "./prepared.ts";

/** What is behind a token that has not ended, by the id of its row. */
export const findToken = prepared<{ id: number }, { user_id: number; is_admin: number }>((db, { id }) =>
  db
    .selectFrom("Tokens as t")
    .innerJoin("Users as u", "u.id", "t.user_id")
    .select(["t.user_id", "u.is_admin"])
    .where("t.id", "=", id),
);

/** Adds a sign-in token. */
export async function insertToken(
  tx: Tx,
  row: { user_id: number; token: string; created_at: string; expired_at: string },
): Promise<void> {
  await tx.insertInto("Tokens").values(row).execute();
}

/** Removes one token; false when it is gone already. */
export async function deleteToken(tx: Tx, id: number): Promise<boolean> {
  const result = await tx.deleteFrom("Tokens").where("id", "=", id).executeTakeFirst();
  return result.numDeletedRows === 1n;
}

/** Removes all of a user's tokens but one. */
export async function deleteOtherTokens(tx: Tx, userId: number, keptId: number | null): Promise<void> {
  let query = tx.deleteFrom("Tokens").where("user_id", "=", userId);
  if (keptId !== null) query = query.where("id", "!=", keptId);
  await query.execute();
}
