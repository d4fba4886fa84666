import { type Selectable, sql } from "kysely";
import type { Executor, Tx } from "../ports/database.ts";
import type { Tables } from "../ports/tables.ts";
import { engineOf } from "./engine.ts";
import { prepared, preparedChange, rowOf } from "./prepared.ts";

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

const newColumns = ["sha256", "size", "touched_at", "state"] as const;

/** In one statement: two packages may take in the same bytes at the same time. */
const noteBlob = preparedChange<Pick<Selectable<Tables["Blobs"]>, (typeof newColumns)[number]>>((db, row) => {
  const touched_at = sql<string>`case when ${sql.ref("Blobs.state")} = 'live' then ${row.touched_at} else ${sql.ref("Blobs.touched_at")} end`;
  const insert = db.insertInto("Blobs").values(rowOf(row, newColumns));
  if (engineOf(db) === "mysql") return insert.onDuplicateKeyUpdate({ touched_at });
  return insert.onConflict((conflict) => conflict.column("sha256").doUpdateSet({ touched_at }));
});

/**
 * Notes that a blob is referred to from now on. False when a sweep has decided to delete it, or has deleted it, since its bytes
 * were stored: then they must be stored again. A deletion at `goneSince`, before they were stored, does not count.
 */
export async function touchBlob(tx: Tx, blob: ReferencedBlob, goneSince: string | null = null): Promise<boolean> {
  await noteBlob(tx, { ...blob, state: "live" });
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
