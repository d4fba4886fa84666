import type { Executor, Tx } from "../ports/database.ts";

/** Writes an event for everybody who is to be told of it. */
export async function insertEvent(
  tx: Tx,
  event: { event_id: string; type: string; body: string; created_at: string },
  { queue, targets }: { queue: string; targets: readonly string[] },
): Promise<void> {
  const { insertId } = await tx.insertInto("Events").values(event).executeTakeFirstOrThrow();
  const sequence = Number(insertId);
  await tx
    .insertInto("EventDeliveries")
    .values(targets.map((target) => ({ sequence, target, queue })))
    .execute();
}

/** An event for one target. */
export interface DeliveryKey {
  sequence: number;
  target: string;
}

/** An event that waits for one target. */
export interface WaitingDelivery extends DeliveryKey {
  event_id: string;
  type: string;
  body: string;
  attempts: number;
}

/** The first event that waits in a queue. */
export async function findFirstWaiting(tx: Tx, target: string, queue: string): Promise<WaitingDelivery | undefined> {
  return tx
    .selectFrom("EventDeliveries as d")
    .innerJoin("Events as e", "e.id", "d.sequence")
    .select(["d.sequence", "d.target", "d.attempts", "e.event_id", "e.type", "e.body"])
    .where("d.target", "=", target)
    .where("d.queue", "=", queue)
    .where("d.state", "=", "waiting")
    .orderBy("d.sequence")
    .limit(1)
    .executeTakeFirst();
}

/** What changes of a delivery that waits. */
export interface DeliveryChange {
  state?: "delivered" | "dead";
  attempts?: number;
  last_error?: string | null;
  settled_at?: string;
}

/** Changes a delivery that waits; false when it does not. */
export async function updateWaiting(
  tx: Tx,
  { sequence, target }: DeliveryKey,
  values: DeliveryChange,
): Promise<boolean> {
  const result = await tx
    .updateTable("EventDeliveries")
    .set(values)
    .where("sequence", "=", sequence)
    .where("target", "=", target)
    .where("state", "=", "waiting")
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** One delivery, as the host sees it. */
export interface DeliveryRow extends WaitingDelivery {
  queue: string;
  state: string;
  last_error: string | null;
}

/** A target's deliveries in a state, in order, from behind `after`. */
export async function listDeliveries(
  db: Executor,
  filter: { target: string; state: string; after: number; limit: number },
): Promise<DeliveryRow[]> {
  return db
    .selectFrom("EventDeliveries as d")
    .innerJoin("Events as e", "e.id", "d.sequence")
    .select(["d.sequence", "d.target", "d.queue", "d.state", "d.attempts", "d.last_error"])
    .select(["e.event_id", "e.type", "e.body"])
    .where("d.target", "=", filter.target)
    .where("d.state", "=", filter.state)
    .where("d.sequence", ">", filter.after)
    .orderBy("d.sequence")
    .limit(filter.limit)
    .execute();
}

/** How many events a target has not been told of: those that wait, and those that were given up. */
export async function countUntold(
  db: Executor,
  target: string,
): Promise<{ target: string; waiting: number; dead: number }> {
  const counted = await db
    .selectFrom("EventDeliveries")
    .select((eb) => ["state", eb.fn.countAll<number>().as("n")])
    .where("target", "=", target)
    .where("state", "in", ["waiting", "dead"])
    .groupBy("state")
    .execute();
  const of = (state: string) => Number(counted.find((row) => row.state === state)?.n ?? 0);
  return { target, waiting: of("waiting"), dead: of("dead") };
}

/** A target's delivery of the event with this public id. */
export async function findDelivery(
  db: Executor,
  target: string,
  eventId: string,
): Promise<(DeliveryKey & { queue: string; state: string }) | undefined> {
  return db
    .selectFrom("EventDeliveries as d")
    .innerJoin("Events as e", "e.id", "d.sequence")
    .select(["d.sequence", "d.target", "d.queue", "d.state"])
    .where("e.event_id", "=", eventId)
    .where("d.target", "=", target)
    .executeTakeFirst();
}

/** Has a delivery that was settled wait again, as if it were new; false when it waits already. */
export async function reviveDelivery(tx: Tx, { sequence, target }: DeliveryKey): Promise<boolean> {
  const result = await tx
    .updateTable("EventDeliveries")
    .set({ state: "waiting", attempts: 0, settled_at: null })
    .where("sequence", "=", sequence)
    .where("target", "=", target)
    .where("state", "!=", "waiting")
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Up to `limit` deliveries that were made before `before`, the oldest first. */
export async function listDelivered(db: Executor, before: string, limit: number): Promise<DeliveryKey[]> {
  return db
    .selectFrom("EventDeliveries")
    .select(["sequence", "target"])
    .where("state", "=", "delivered")
    .where("settled_at", "<", before)
    .orderBy("settled_at")
    .limit(limit)
    .execute();
}

/** Removes deliveries in a state, and the events that nobody else is to be told of; says how many deliveries that were. */
export async function deleteDeliveries(tx: Tx, keys: readonly DeliveryKey[], state: string): Promise<number> {
  let deleted = 0n;
  for (const [target, own] of Map.groupBy(keys, (key) => key.target)) {
    const result = await tx
      .deleteFrom("EventDeliveries")
      .where("target", "=", target)
      .where(
        "sequence",
        "in",
        own.map((key) => key.sequence),
      )
      .where("state", "=", state)
      .executeTakeFirst();
    deleted += result.numDeletedRows;
  }
  const sequences = [...new Set(keys.map((key) => key.sequence))];
  if (sequences.length === 0) return 0;
  const needed = await tx.selectFrom("EventDeliveries").select("sequence").where("sequence", "in", sequences).execute();
  const needless = sequences.filter((one) => !needed.some((row) => row.sequence === one));
  if (needless.length > 0) await tx.deleteFrom("Events").where("id", "in", needless).execute();
  return Number(deleted);
}

/** Up to `limit` events behind `after`, in order, and whether somebody is, or was, to be told of each. */
export async function listEvents(
  db: Executor,
  { after, limit }: { after: number; limit: number },
): Promise<{ id: number; created_at: string; isKept: boolean }[]> {
  const events = db.selectFrom("Events").select(["id", "created_at"]).where("id", ">", after);
  const page = await events.orderBy("id").limit(limit).execute();
  if (page.length === 0) return [];
  const sequences = page.map((event) => event.id);
  const deliveries = db.selectFrom("EventDeliveries").select("sequence").where("sequence", "in", sequences);
  const kept = new Set((await deliveries.execute()).map((row) => row.sequence));
  return page.map((event) => ({ ...event, isKept: kept.has(event.id) }));
}

/** Removes events that nobody is to be told of; says how many. */
export async function deleteEvents(tx: Tx, ids: readonly number[]): Promise<number> {
  if (ids.length === 0) return 0;
  const result = await tx
    .deleteFrom("Events")
    .where("id", "in", [...ids])
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}
