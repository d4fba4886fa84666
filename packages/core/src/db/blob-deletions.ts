import { type RawBuilder, sql } from "kysely";
import type { Executor, Tx } from "../ports/database.ts";
import type { ReferencedBlob } from "./blobs.ts";

/** Moments that decide what becomes of a blob, as rows hold times. */
export interface BlobDeadlines {
  /** A live blob that was touched before this may go. */
  touchedBefore: string;
  /** A version that was deleted before this needs its blob no more. */
  deletedBefore: string;
  /** Who was to delete a blob since before this has died. */
  doomedBefore: string;
  /** What was deleted before this is forgotten. */
  goneBefore: string;
}

/** A blob whose time may have come. */
export interface SpentBlob {
  sha256: string;
  state: string;
  touched_at: string;
}

/** The digest that ends the page of `rows` rows after `after`; undefined for the last page. */
export async function findBlobPageEnd(db: Executor, after: string, rows: number): Promise<string | undefined> {
  const row = await db
    .selectFrom("Blobs")
    .select("sha256")
    .where("sha256", ">", after)
    .orderBy("sha256")
    .limit(1)
    .offset(rows - 1)
    .executeTakeFirst();
  return row?.sha256;
}

/** Blobs behind `after`, up to and with `through`, that may go, were to go, or have gone. */
export async function listSpentBlobs(
  db: Executor,
  range: { after: string; through: string | undefined },
  deadlines: BlobDeadlines,
): Promise<SpentBlob[]> {
  const { touchedBefore, doomedBefore, goneBefore } = deadlines;
  let query = db.selectFrom("Blobs").select(["sha256", "state", "touched_at"]).where("sha256", ">", range.after);
  if (range.through !== undefined) query = query.where("sha256", "<=", range.through);
  return query
    .where(
      sql<boolean>`((state = 'live' and touched_at < ${touchedBefore} and ${isUnneeded(deadlines)})
        or (state = 'doomed' and touched_at < ${doomedBefore}) or (state = 'gone' and touched_at < ${goneBefore}))`,
    )
    .orderBy("sha256")
    .execute();
}

/**
 * Decides that a blob is to be deleted, and by whom: true for one of any number who try. From now on no version can begin to
 * refer to it.
 */
export async function doomBlob(
  tx: Tx,
  blob: SpentBlob,
  { now, ...deadlines }: BlobDeadlines & { now: string },
): Promise<boolean> {
  const update = tx.updateTable("Blobs").set({ state: "doomed", touched_at: now }).where("sha256", "=", blob.sha256);
  const narrowed =
    blob.state === "doomed"
      ? update.where("state", "=", "doomed").where("touched_at", "=", blob.touched_at)
      : update.where("state", "=", "live").where("touched_at", "<", deadlines.touchedBefore);
  return (await narrowed.where(isUnneeded(deadlines)).executeTakeFirst()).numUpdatedRows === 1n;
}

/** Takes back that a blob is to be deleted, which whoever decided it at `doomedAt` can no longer do; false when somebody else was faster. */
export async function pardonBlob(tx: Tx, blob: ReferencedBlob, doomedAt: string): Promise<boolean> {
  const { sha256, ...values } = blob;
  const update = tx
    .updateTable("Blobs")
    .set({ ...values, state: "live" })
    .where("sha256", "=", sha256);
  const result = await update.where("state", "=", "doomed").where("touched_at", "=", doomedAt).executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Notes that blobs doomed at `doomedAt` have been deleted. */
export async function markGone(tx: Tx, digests: readonly string[], times: { doomedAt: string; now: string }) {
  if (digests.length === 0) return;
  await tx
    .updateTable("Blobs")
    .set({ state: "gone", touched_at: times.now })
    .where("sha256", "in", [...digests])
    .where("state", "=", "doomed")
    .where("touched_at", "=", times.doomedAt)
    .execute();
}

/** Forgets blobs that were deleted long ago. */
export async function deleteGone(tx: Tx, digests: readonly string[], goneBefore: string): Promise<void> {
  if (digests.length === 0) return;
  await tx
    .deleteFrom("Blobs")
    .where("sha256", "in", [...digests])
    .where("state", "=", "gone")
    .where("touched_at", "<", goneBefore)
    .execute();
}

/** True for rows of Blobs that no version needs. One that is deleted needs its blob for as long as it can be restored. */
function isUnneeded({ deletedBefore }: BlobDeadlines): RawBuilder<boolean> {
  return sql<boolean>`not exists (select 1 from Versions as v where v.sha256 = ${sql.ref("Blobs.sha256")}
    and (v.status <> 'deleted' or v.deleted_at >= ${deletedBefore}))`;
}
