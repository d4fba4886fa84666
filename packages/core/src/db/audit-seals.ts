import type { Seal, SealedRow } from "../domain/audit-chain.ts";
import type { Executor, Tx } from "../ports/database.ts";

const columns = [
  "id",
  "user_id",
  "action",
  "details",
  "created_at",
  "package_id",
  "address",
  "request_id",
  "sealed",
] as const;

/** A line of the audit log with its mark: the id of the seal that covers it, 0 while none does. */
export type MarkedRow = SealedRow & { sealed: number };

/** Lines under one mark, lowest id first: 0 for those that no seal covers yet. */
export async function listMarked(db: Executor, mark: number, limit: number): Promise<MarkedRow[]> {
  return db.selectFrom("AuditLogs").select(columns).where("sealed", "=", mark).orderBy("id").limit(limit).execute();
}

/** One line of the audit log. */
export async function findMarked(db: Executor, id: number): Promise<MarkedRow | undefined> {
  return db.selectFrom("AuditLogs").select(columns).where("id", "=", id).executeTakeFirst();
}

/** The lowest line with the next mark above `mark`. */
export async function findNextMarked(db: Executor, mark: number): Promise<MarkedRow | undefined> {
  return db
    .selectFrom("AuditLogs")
    .select(columns)
    .where("sealed", ">", mark)
    .orderBy("sealed")
    .orderBy("id")
    .limit(1)
    .executeTakeFirst();
}

/** A line whose mark is below 0: nobody writes such marks. */
export async function findMarkedBelowZero(db: Executor): Promise<MarkedRow | undefined> {
  return db.selectFrom("AuditLogs").select(columns).where("sealed", "<", 0).limit(1).executeTakeFirst();
}

/** How many lines no seal covers. */
export async function countUnsealed(db: Executor): Promise<number> {
  const count = db.selectFrom("AuditLogs").where("sealed", "=", 0);
  const row = await count.select((eb) => eb.fn.countAll<number | string>().as("rows")).executeTakeFirstOrThrow();
  return Number(row.rows);
}

/** The seal with the next id above `id`. */
export async function findNextSeal(db: Executor, id: number): Promise<Seal | undefined> {
  return db.selectFrom("AuditSeals").selectAll().where("id", ">", id).orderBy("id").limit(1).executeTakeFirst();
}

/** Id and MAC of the newest seal. */
export async function findLastSeal(db: Executor): Promise<Pick<Seal, "id" | "mac"> | undefined> {
  return db.selectFrom("AuditSeals").select(["id", "mac"]).orderBy("id", "desc").limit(1).executeTakeFirst();
}

/** Adds a seal under the id it says; of two that want to follow the same seal, the key lets one in. Marks its lines. */
export async function insertSeal(tx: Tx, seal: Seal, rowIds: readonly number[]): Promise<void> {
  await tx.insertInto("AuditSeals").values(seal).execute();
  await tx
    .updateTable("AuditLogs")
    .set({ sealed: seal.id })
    .where("sealed", "=", 0)
    .where("id", "in", rowIds)
    .execute();
}
