import type { Selectable } from "kysely";
import type { Executor, Tx } from "../ports/database.ts";
import type { Tables } from "../ports/tables.ts";
import { numberValue, prepared, textValue } from "./prepared.ts";

/** A row of Tokens. */
export type TokenRow = Selectable<Tables["Tokens"]>;

/** What a token's row says, and its user. */
export interface SessionRow
  extends Pick<TokenRow, "id" | "user_id" | "kind" | "name" | "scopes" | "family" | "expired_at" | "rotated_at"> {
  username: string;
  is_admin: number;
}

const sessionColumns = [
  ...(["t.id", "t.user_id", "t.kind", "t.name", "t.scopes", "t.family", "t.expired_at", "t.rotated_at"] as const),
  ...(["u.username", "u.is_admin"] as const),
] as const;

/** The token behind a hash, expired and replaced ones included. */
export const findTokenByHash = prepared<{ tokenHash: string }, SessionRow>((db, { tokenHash }) =>
  db
    .selectFrom("Tokens as t")
    .innerJoin("Users as u", "u.id", "t.user_id")
    .select(sessionColumns)
    .where("t.token", "=", textValue(tokenHash)),
);

/** A token by the id of its row, expired and replaced ones included. */
export const findToken = prepared<{ id: number }, SessionRow>((db, { id }) =>
  db
    .selectFrom("Tokens as t")
    .innerJoin("Users as u", "u.id", "t.user_id")
    .select(sessionColumns)
    .where("t.id", "=", numberValue(id)),
);

/** A user's tokens that sign somebody in at this time, the newest first; at most 1000. */
export async function listTokens(db: Executor, userId: number, now: string): Promise<TokenRow[]> {
  return db
    .selectFrom("Tokens")
    .selectAll()
    .where("user_id", "=", userId)
    .where("rotated_at", "is", null)
    .where("expired_at", ">", now)
    .orderBy("id", "desc")
    .limit(1000)
    .execute();
}

/** How many tokens of a user that are no sign-ins are live at this time. */
export async function countMadeTokens(db: Executor, userId: number, now: string): Promise<number> {
  const row = await db
    .selectFrom("Tokens")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("user_id", "=", userId)
    .where("kind", "!=", "session")
    .where("expired_at", ">", now)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Adds a token and says under which id. */
export async function insertToken(
  tx: Tx,
  row: Pick<TokenRow, "user_id" | "token" | "kind" | "name" | "scopes" | "family" | "created_at" | "expired_at">,
): Promise<number> {
  const result = await tx.insertInto("Tokens").values(row).executeTakeFirstOrThrow();
  return Number(result.insertId);
}

/** Marks a token as replaced; false when it was replaced or removed already. */
export async function rotateToken(tx: Tx, id: number, now: string): Promise<boolean> {
  const result = await tx
    .updateTable("Tokens")
    .set({ rotated_at: now })
    .where("id", "=", id)
    .where("rotated_at", "is", null)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Removes one token; false when it is gone already. */
export async function deleteToken(tx: Tx, id: number): Promise<boolean> {
  const result = await tx.deleteFrom("Tokens").where("id", "=", id).executeTakeFirst();
  return result.numDeletedRows === 1n;
}

/** Removes every token that came of one sign-in, replaced ones included, and says how many that were. */
export async function deleteFamily(tx: Tx, family: string): Promise<number> {
  const result = await tx.deleteFrom("Tokens").where("family", "=", family).executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** Which of a user's credentials outlive {@link endCredentials}. */
export interface KeptCredentials {
  /** Row of the token that asks; null when none does. */
  keptTokenId: number | null;
  /** Whether named tokens stay. */
  keepNamed: boolean;
}

/** Removes a user's tokens, grants and API keys, but those that are kept. */
export async function endCredentials(
  tx: Tx,
  userId: number,
  { keptTokenId, keepNamed }: KeptCredentials,
): Promise<void> {
  let tokens = tx.deleteFrom("Tokens").where("user_id", "=", userId);
  if (keptTokenId !== null) tokens = tokens.where("id", "!=", keptTokenId);
  if (keepNamed) tokens = tokens.where("kind", "!=", "named");
  await tokens.execute();
  await tx.deleteFrom("ApiKeys").where("user_id", "=", userId).execute();
}

/** Notes when a token was used last. */
export async function touchToken(tx: Tx, id: number, lastUsedAt: string): Promise<void> {
  await tx.updateTable("Tokens").set({ last_used_at: lastUsedAt }).where("id", "=", id).execute();
}

/**
 * Removes tokens whose time is over, at most `limit` of them, and says how many that were. A replaced token stays until its
 * own end: as long as it does, whoever presents it gives themselves away.
 */
export async function deleteExpiredTokens(tx: Tx, { now, limit }: { now: string; limit: number }): Promise<number> {
  const dead = await tx.selectFrom("Tokens").select("id").where("expired_at", "<=", now).limit(limit).execute();
  if (dead.length === 0) return 0;
  const ids = dead.map((row) => row.id);
  const result = await tx.deleteFrom("Tokens").where("id", "in", ids).executeTakeFirst();
  return Number(result.numDeletedRows);
}
