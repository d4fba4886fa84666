import { sql } from "kysely";
import type { Executor, Tx } from "../ports/database.ts";
import { engineOf } from "./engine.ts";

/** A queue that somebody delivers, until their lease runs out. */
export interface QueueClaim {
  target: string;
  queue: string;
  lease: string;
}

/**
 * Notes that something is about to wait in a queue of each target; call it before that is written. From here to the end of the
 * transaction nobody else adds to these queues, so events lie in them in the order of their commits; and whoever has just
 * delivered the last event there does not give the queue up.
 */
export async function openQueues(
  tx: Tx,
  { queue, targets, now }: { queue: string; targets: readonly string[]; now: number },
): Promise<void> {
  // One order for all: two changes never wait for each other crosswise.
  const rows = targets.toSorted().map((target) => ({ target, queue, next_attempt_at: now }));
  const insert = tx.insertInto("EventQueues").values(rows);
  if (engineOf(tx) === "mysql") await insert.onDuplicateKeyUpdate({ changes: sql`changes + 1` }).execute();
  else {
    const changes = sql<number>`EventQueues.changes + 1`;
    await insert.onConflict((conflict) => conflict.columns(["target", "queue"]).doUpdateSet({ changes })).execute();
  }
}

/** A target's queues in which something is due, the longest due first. */
export async function listDueQueues(
  db: Executor,
  { target, now, limit }: { target: string; now: number; limit: number },
): Promise<{ queue: string; next_attempt_at: number }[]> {
  return db
    .selectFrom("EventQueues")
    .select(["queue", "next_attempt_at"])
    .where("target", "=", target)
    .where("next_attempt_at", "<=", now)
    .orderBy("next_attempt_at")
    .limit(limit)
    .execute();
}

/** Takes a queue that was due at `dueAt`; false when somebody else was faster. */
export async function claimQueue(
  tx: Tx,
  { target, queue, lease }: QueueClaim,
  { dueAt, until }: { dueAt: number; until: number },
): Promise<boolean> {
  const result = await tx
    .updateTable("EventQueues")
    .set({ lease, next_attempt_at: until })
    .where("target", "=", target)
    .where("queue", "=", queue)
    .where("next_attempt_at", "=", dueAt)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/**
 * Says when a claimed queue is due again, and whether it stays claimed until then; false when the lease ran out and somebody else
 * has claimed it. Nobody adds to the queue before the transaction ends.
 */
export async function moveQueue(
  tx: Tx,
  { target, queue, lease }: QueueClaim,
  { nextAttemptAt, keep }: { nextAttemptAt: number; keep: boolean },
): Promise<boolean> {
  const result = await tx
    .updateTable("EventQueues")
    .set({ next_attempt_at: nextAttemptAt, changes: sql`changes + 1`, ...(keep ? {} : { lease: null }) })
    .where("target", "=", target)
    .where("queue", "=", queue)
    .where("lease", "=", lease)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Removes a queue in which nothing waits any more. */
export async function deleteQueue(tx: Tx, target: string, queue: string): Promise<void> {
  await tx.deleteFrom("EventQueues").where("target", "=", target).where("queue", "=", queue).execute();
}

/** Leaves what is due for a target, and nobody has claimed, until later. */
export async function postponeQueues(
  tx: Tx,
  { target, now, until }: { target: string; now: number; until: number },
): Promise<void> {
  await tx
    .updateTable("EventQueues")
    .set({ next_attempt_at: until })
    .where("target", "=", target)
    .where("lease", "is", null)
    .where("next_attempt_at", "<=", now)
    .execute();
}

/** When something is due next for one of the targets, or a lease runs out; null when nothing waits. */
export async function findNextDue(db: Executor, targets: readonly string[]): Promise<number | null> {
  const row = await db
    .selectFrom("EventQueues")
    .select((eb) => eb.fn.min("next_attempt_at").as("due"))
    .where("target", "in", targets)
    .executeTakeFirst();
  return row?.due === undefined || row.due === null ? null : Number(row.due);
}
