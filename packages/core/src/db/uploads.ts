import type { Selectable } from "kysely";
import type { Database, Executor, Tx } from "../ports/database.ts";
import type { Tables } from "../ports/tables.ts";
import { prepared, preparedChange, rowOf, textValue } from "./prepared.ts";

/** An upload with the version and package it is for. */
export interface UploadRow extends Selectable<Tables["Uploads"]> {
  package_id: number;
  package: string;
  version: string;
  status: string;
}

const selectUpload = prepared<{ idHash: string }, UploadRow>((db, { idHash }) =>
  db
    .selectFrom("Uploads as u")
    .innerJoin("Versions as v", "v.id", "u.version_id")
    .innerJoin("Packages as p", "p.id", "v.package_id")
    .selectAll("u")
    .select(["v.package_id", "p.name as package", "v.version", "v.status"])
    .where("u.id_hash", "=", textValue(idHash)),
);

/** The upload behind an id's hash. */
export async function findUpload(source: Database | Executor, idHash: string): Promise<UploadRow | undefined> {
  return (await selectUpload(source, { idHash }))[0];
}

const newColumns = ["id_hash", "version_id", "user_id", "created_at", "expires_at"] as const;

/** Columns of an upload that is opened. */
type NewUpload = Pick<UploadRow, (typeof newColumns)[number]>;

/** Opens an upload. */
export const insertUpload = preparedChange<NewUpload>((db, row) =>
  db.insertInto("Uploads").values(rowOf(row, newColumns)),
);

/** Closes every open upload of a version. */
export const closeUploads = preparedChange<{ versionId: number }>((db, { versionId }) =>
  db
    .updateTable("Uploads")
    .set({ closed: 1 })
    .where("version_id", "=", versionId)
    .where("completed_sha256", "is", null),
);

// Closed as well, so that counting a user's open uploads does not pass all that ended in the last days.
const complete = preparedChange<{ idHash: string; sha256: string }>((db, { idHash, sha256 }) =>
  db
    .updateTable("Uploads")
    .set({ completed_sha256: sha256, refusal: null, closed: 1 })
    .where("id_hash", "=", idHash)
    .where("closed", "=", 0)
    .where("completed_sha256", "is", null),
);

/** Ends an open upload with the digest of what was accepted; false when it is not open any more. */
export async function completeUpload(tx: Tx, idHash: string, sha256: string): Promise<boolean> {
  return (await complete(tx, { idHash, sha256 })).rows === 1;
}

/** Closes an open upload for good; false when it is not open any more. */
export async function closeUpload(tx: Tx, idHash: string): Promise<boolean> {
  const result = await tx
    .updateTable("Uploads")
    .set({ closed: 1 })
    .where("id_hash", "=", idHash)
    .where("closed", "=", 0)
    .where("completed_sha256", "is", null)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Keeps why the last archive was refused, for whoever asks about the upload. */
export async function updateRefusal(tx: Tx, idHash: string, refusal: string): Promise<void> {
  await tx.updateTable("Uploads").set({ refusal }).where("id_hash", "=", idHash).execute();
}

/** An upload whose archive has not been accepted, and the version that waits for it. */
export interface WaitingRow {
  version: string;
  created_at: string;
  expires_at: string;
  refusal: string | null;
}

/** The open uploads of a package's versions that wait for their archive, the newest first, at most 50. */
export async function listWaiting(db: Executor, packageId: number): Promise<WaitingRow[]> {
  return db
    .selectFrom("Uploads as u")
    .innerJoin("Versions as v", "v.id", "u.version_id")
    .select(["v.version", "u.created_at", "u.expires_at", "u.refusal"])
    .where("v.package_id", "=", packageId)
    .where("v.status", "in", ["pending", "expired"])
    .where("u.completed_sha256", "is", null)
    .where("u.closed", "=", 0)
    .orderBy("u.created_at", "desc")
    .orderBy("v.id", "desc")
    .limit(50)
    .execute();
}

/** An upload whose time is over, and the version that waits for it still. */
export interface OverdueRow {
  id_hash: string;
  expires_at: string;
  version_id: number;
  package_id: number;
}

/** Pending versions whose upload's time is over at `now`, in the order of that time, behind `after`. */
export async function listOverdue(
  db: Executor,
  now: string,
  { after, limit }: { after: Pick<OverdueRow, "id_hash" | "expires_at"> | null; limit: number },
): Promise<OverdueRow[]> {
  let query = db
    .selectFrom("Uploads as u")
    .innerJoin("Versions as v", "v.id", "u.version_id")
    .select(["u.id_hash", "u.expires_at", "u.version_id", "v.package_id"])
    .where("u.completed_sha256", "is", null)
    .where("u.expires_at", "<=", now)
    .where("u.closed", "=", 0)
    .where("v.status", "=", "pending");
  if (after !== null) {
    query = query
      .where("u.expires_at", ">=", after.expires_at)
      .where((eb) => eb.or([eb("u.expires_at", ">", after.expires_at), eb("u.id_hash", ">", after.id_hash)]));
  }
  return query.orderBy("u.expires_at").orderBy("u.id_hash").limit(limit).execute();
}

/** Whether an upload of a version still waits for its archive at `now`. */
export async function isAwaited(db: Executor, versionId: number, now: string): Promise<boolean> {
  const row = await db
    .selectFrom("Uploads")
    .select("id_hash")
    .where("version_id", "=", versionId)
    .where("completed_sha256", "is", null)
    .where("closed", "=", 0)
    .where("expires_at", ">", now)
    .executeTakeFirst();
  return row !== undefined;
}

/** Removes uploads that ended without an archive and were over before a moment, at most `limit`; says how many that were. */
export async function deleteOldUploads(tx: Tx, { before, limit }: { before: string; limit: number }): Promise<number> {
  const dead = await tx
    .selectFrom("Uploads as u")
    .innerJoin("Versions as v", "v.id", "u.version_id")
    .select("u.id_hash")
    .where("u.completed_sha256", "is", null)
    .where("u.expires_at", "<=", before)
    .where("v.status", "<>", "pending")
    .limit(limit)
    .execute();
  if (dead.length === 0) return 0;
  const hashes = dead.map((row) => row.id_hash).sort();
  const result = await tx
    .deleteFrom("Uploads")
    .where("id_hash", "in", hashes)
    .where("completed_sha256", "is", null)
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}
