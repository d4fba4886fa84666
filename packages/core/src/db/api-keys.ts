import type { Selectable } from "kysely";
import type { Executor, Tx } from "../ports/database.ts";
import type { Tables } from "../ports/tables.ts";
import { prepared } from "./prepared.ts";

/** A row of ApiKeys. */
export type ApiKeyRow = Selectable<Tables["ApiKeys"]>;

/** A row of ApiKeys and its user. */
export interface OwnedApiKeyRow extends ApiKeyRow {
  username: string;
  is_admin: number;
}

/** The API key of this public id, expired ones included. */
export const findApiKey = prepared<{ id: string }, OwnedApiKeyRow>((db, { id }) =>
  db
    .selectFrom("ApiKeys as k")
    .innerJoin("Users as u", "u.id", "k.user_id")
    .selectAll("k")
    .select(["u.username", "u.is_admin"])
    .where("k.id", "=", id),
);

/** The public id of the API key whose MD5 has this hash. */
export const findApiKeyIdByMd5 = prepared<{ md5Hash: string }, { id: string }>((db, { md5Hash }) =>
  db.selectFrom("ApiKeys").select("id").where("md5_hash", "=", md5Hash),
);

/** A user's API keys, the oldest first. */
export async function listApiKeys(db: Executor, userId: number): Promise<ApiKeyRow[]> {
  return db
    .selectFrom("ApiKeys")
    .selectAll()
    .where("user_id", "=", userId)
    .orderBy("created_at")
    .orderBy("id")
    .execute();
}

/** Adds an API key. */
export async function insertApiKey(tx: Tx, row: Omit<ApiKeyRow, "last_used_at">): Promise<void> {
  await tx.insertInto("ApiKeys").values(row).execute();
}

/** Removes one API key; false when it is gone already. */
export async function deleteApiKey(tx: Tx, id: string): Promise<boolean> {
  const result = await tx.deleteFrom("ApiKeys").where("id", "=", id).executeTakeFirst();
  return result.numDeletedRows === 1n;
}

/** Removes API keys whose time is over, at most `limit` of them, and says how many that were. */
export async function deleteExpiredApiKeys(tx: Tx, { now, limit }: { now: string; limit: number }): Promise<number> {
  const dead = await tx.selectFrom("ApiKeys").select("id").where("expires_at", "<=", now).limit(limit).execute();
  if (dead.length === 0) return 0;
  const ids = dead.map((row) => row.id).sort();
  const result = await tx.deleteFrom("ApiKeys").where("id", "in", ids).executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** Notes when an API key was used last. */
export async function touchApiKey(tx: Tx, id: string, lastUsedAt: string): Promise<void> {
  await tx.updateTable("ApiKeys").set({ last_used_at: lastUsedAt }).where("id", "=", id).execute();
}

/** API keys after this id, at most `limit` of them. */
export async function listApiKeysAfter(db: Executor, id: string, limit: number): Promise<ApiKeyRow[]> {
  return db.selectFrom("ApiKeys").selectAll().where("id", ">", id).orderBy("id").limit(limit).execute();
}

/** Seals an API key anew, unless somebody else did meanwhile. */
export async function replaceSeal(tx: Tx, id: string, seals: { from: string; to: string }): Promise<boolean> {
  const result = await tx
    .updateTable("ApiKeys")
    .set({ sealed: seals.to })
    .where("id", "=", id)
    .where("sealed", "=", seals.from)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}
