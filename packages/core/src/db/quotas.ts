import type { Executor } from "../ports/database.ts";
import { prepared } from "./prepared.ts";

/** How much of something there is, and when the earliest of it came (or ends); null where there is nothing. */
export interface Usage {
  amount: number;
  earliest: string | null;
}

/** Some engines give a sum as text. */
interface UsageRow {
  amount: number | string | null;
  earliest: string | null;
}

function toUsage([row]: UsageRow[]): Usage {
  return { amount: Number(row?.amount ?? 0), earliest: row?.earliest ?? null };
}

const selectPackages = prepared<{ userId: number; since: string }, UsageRow>((db, { userId, since }) =>
  db
    .selectFrom("Packages")
    .select((eb) => [eb.fn.countAll().as("amount"), eb.fn.min("create_time").as("earliest")])
    .where("created_by", "=", userId)
    .where("create_time", ">", since),
);

/** Packages whose first version this user opened since then. */
export async function countNewPackages(db: Executor, userId: number, since: string): Promise<Usage> {
  return toUsage(await selectPackages(db, { userId, since }));
}

const selectUploads = prepared<{ userId: number; now: string }, UsageRow>((db, { userId, now }) =>
  db
    .selectFrom("Uploads")
    .select((eb) => [eb.fn.countAll().as("amount"), eb.fn.min("expires_at").as("earliest")])
    .where("user_id", "=", userId)
    .where("closed", "=", 0)
    .where("expires_at", ">", now)
    .where("completed_sha256", "is", null),
);

/** Uploads of a user that wait for their archive; `earliest` is when the first of them ends. */
export async function countOpenUploads(db: Executor, userId: number, now: string): Promise<Usage> {
  return toUsage(await selectUploads(db, { userId, now }));
}

const selectBytes = prepared<{ userId: number; since: string }, UsageRow>((db, { userId, since }) =>
  db
    .selectFrom("Versions")
    .select((eb) => [eb.fn.sum("size").as("amount"), eb.fn.min("published_at").as("earliest")])
    .where("published_by", "=", userId)
    .where("published_at", ">", since),
);

/** Bytes of the archives that a user published since then. */
export async function sumPublishedBytes(db: Executor, userId: number, since: string): Promise<Usage> {
  return toUsage(await selectBytes(db, { userId, since }));
}
