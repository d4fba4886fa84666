import { type RawBuilder, sql } from "kysely";
import type { Executor, Tx } from "../ports/database.ts";
import { engineOf } from "./engine.ts";
import { prepared } from "./prepared.ts";

/** A blob that a version begins to refer to. */
export interface ReferencedBlob {
  sha256: string;
  size: number;
  touched_at: string;
}

/** What is noted of a blob. */
export const findBlob = prepared<{ sha256: string }, { state: string; touched_at: string }>((db, { sha256 }) =>
  db.selectFrom("Blobs").select(["state", "touched_at"]).where("sha256", "=", sha256),
);

/**
 * Notes that a blob is referred to from now on. False when a sweep has decided to delete it, or has deleted it, since its bytes
 * were stored: then they must be stored again. A deletion at `goneSince`, before they were stored, does not count.
 */
export async function touchBlob(tx: Tx, blob: ReferencedBlob, goneSince: string | null = null): Promise<boolean> {
  const touched_at = sql<string>`case when ${sql.ref("Blobs.state")} = 'live' then ${blob.touched_at} else ${sql.ref("Blobs.touched_at")} end`;
  const insert = tx.insertInto("Blobs").values({ ...blob, state: "live" });
  // In one statement: two packages may take in the same bytes at the same time.
  if (engineOf(tx) === "mysql") await insert.onDuplicateKeyUpdate({ touched_at }).execute();
  else await insert.onConflict((conflict) => conflict.column("sha256").doUpdateSet({ touched_at })).execute();
  if (goneSince !== null) await reviveBlob(tx, blob, goneSince);
  const [row] = await findBlob(tx, { sha256: blob.sha256 });
  return row?.state === "live";
}

async function reviveBlob(tx: Tx, { sha256, ...values }: ReferencedBlob, goneSince: string): Promise<void> {
  await tx
    .updateTable("Blobs")
    .set({ ...values, state: "live" })
    .where("sha256", "=", sha256)
    .where("state", "=", "gone")
    .where("touched_at", "=", goneSince)
    .execute();
}

/** Starts the age of a live blob anew, so that no sweep takes it for a while; false when it is not live. */
export async function claimBlob(tx: Tx, sha256: string, touchedAt: string): Promise<boolean> {
  const result = await tx
    .updateTable("Blobs")
    .set({ touched_at: touchedAt })
    .where("sha256", "=", sha256)
    .where("state", "=", "live")
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/**
 * Which of the blobs that the storage holds nobody knows: they have no row, or one that tells of a deletion before they were stored.
 * What was listed before its deletion is none of them.
 */
export async function listUnknownBlobs(db: Executor, blobs: readonly ReferencedBlob[]): Promise<ReferencedBlob[]> {
  if (blobs.length === 0) return [];
  const digests = blobs.map((blob) => blob.sha256);
  const query = db.selectFrom("Blobs").select(["sha256", "state", "touched_at"]).where("sha256", "in", digests);
  const known = new Map((await query.execute()).map((row) => [row.sha256, row]));
  return blobs.filter((blob) => {
    const row = known.get(blob.sha256);
    return row === undefined || (row.state === "gone" && row.touched_at < blob.touched_at);
  });
}

/** Notes blobs that nobody knows; those that somebody has noted meanwhile, and that are there, stay as they are. */
export async function insertFoundBlobs(tx: Tx, blobs: readonly ReferencedBlob[]): Promise<void> {
  if (blobs.length === 0) return;
  const insert = tx.insertInto("Blobs").values(blobs.map((blob) => ({ ...blob, state: "live" })));
  if (engineOf(tx) === "mysql") await insert.onDuplicateKeyUpdate({ state: sql.ref("Blobs.state") }).execute();
  else await insert.onConflict((conflict) => conflict.column("sha256").doNothing()).execute();
  const stored = new Map(blobs.map((blob) => [blob.sha256, blob]));
  const gone = tx
    .selectFrom("Blobs")
    .select(["sha256", "touched_at"])
    .where("sha256", "in", [...stored.keys()]);
  for (const { sha256, touched_at } of await gone.where("state", "=", "gone").execute()) {
    const blob = stored.get(sha256);
    if (blob !== undefined && touched_at < blob.touched_at) await reviveBlob(tx, blob, touched_at);
  }
}

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

/** A row of Blobs, as checks go through them. */
export interface NotedBlob {
  sha256: string;
  state: string;
}

/** Rows of blobs behind `after`, in the order of digests. */
export async function listBlobRows(db: Executor, after: string, limit: number): Promise<NotedBlob[]> {
  return db
    .selectFrom("Blobs")
    .select(["sha256", "state"])
    .where("sha256", ">", after)
    .orderBy("sha256")
    .limit(limit)
    .execute();
}
