import type { Executor } from "../ports/database.ts";

/** How much of something there is, and when the earliest of it came (or ends); null where there is nothing. */
export interface Usage {
  amount: number;
  earliest: string | null;
}

/** Packages whose first version this user opened since then. */
export async function countNewPackages(db: Executor, userId: number, since: string): Promise<Usage> {
  const row = await db
    .selectFrom("Packages")
    .select((eb) => [eb.fn.countAll().as("amount"), eb.fn.min("create_time").as("earliest")])
    .where("created_by", "=", userId)
    .where("create_time", ">", since)
    .executeTakeFirstOrThrow();
  return { amount: Number(row.amount), earliest: row.earliest };
}

/** Uploads of a user that wait for their archive, but for those of one version; `earliest` is when the first of them ends. */
export async function countOpenUploads(
  db: Executor,
  userId: number,
  other: { versionId: number; now: string },
): Promise<Usage> {
  const row = await db
    .selectFrom("Uploads")
    .select((eb) => [eb.fn.countAll().as("amount"), eb.fn.min("expires_at").as("earliest")])
    .where("user_id", "=", userId)
    .where("closed", "=", 0)
    .where("expires_at", ">", other.now)
    .where("completed_sha256", "is", null)
    .where("version_id", "!=", other.versionId)
    .executeTakeFirstOrThrow();
  return { amount: Number(row.amount), earliest: row.earliest };
}

/** Bytes of the archives that a user published since then. */
export async function sumPublishedBytes(db: Executor, userId: number, since: string): Promise<Usage> {
  const row = await db
    .selectFrom("Versions")
    .select((eb) => [eb.fn.sum("size").as("amount"), eb.fn.min("published_at").as("earliest")])
    .where("published_by", "=", userId)
    .where("published_at", ">", since)
    .executeTakeFirstOrThrow();
  return { amount: Number(row.amount ?? 0), earliest: row.earliest };
}
