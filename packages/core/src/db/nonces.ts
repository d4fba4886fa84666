import type { Executor, Tx } from "../ports/database.ts";

/** Adds claims. Fails with a unique violation when one of them is there already, expired or not; then none is added. */
export async function insertNonces(tx: Tx, valueHashes: readonly string[], expiresAt: number): Promise<void> {
  const rows = valueHashes.map((hash) => ({ value_hash: hash, expires_at: expiresAt }));
  await tx.insertInto("Nonces").values(rows).execute();
}

/** Removes those of the claims whose time is over; says how many these were. */
export async function deleteNoncesIfExpired(tx: Tx, valueHashes: readonly string[], now: number): Promise<number> {
  if (valueHashes.length === 0) return 0;
  const result = await tx
    .deleteFrom("Nonces")
    .where("value_hash", "in", valueHashes)
    .where("expires_at", "<=", now)
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** Up to `limit` claims whose time is over, the oldest first. */
export async function listExpiredNonces(db: Executor, now: number, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom("Nonces")
    .select("value_hash")
    .where("expires_at", "<=", now)
    .orderBy("expires_at")
    .limit(limit)
    .execute();
  return rows.map((row) => row.value_hash);
}
