import type { Context } from "../../context.ts";
import { openQueues } from "../../db/event-queues.ts";
import { insertEvent } from "../../db/events.ts";
import { toRowTime } from "../../domain/times.ts";
import { eventOf, isTold, type MadeChange } from "../../events/event-of.ts";
import type { Tx } from "../../ports/database.ts";

/** A change, and what its event is told in order with. */
export interface OrderedChange extends MadeChange {
  packageId: number | null;
  userId: number | null;
}

/**
 * Keeps the event of a change for whoever is to be told of it, in the change's own transaction. Where nobody is, it costs nothing and
 * leaves nothing.
 */
export async function keepEvent(ctx: Context, tx: Tx, change: OrderedChange): Promise<void> {
  const { action } = change;
  if (!isTold(action)) return;
  const targets = ctx.events.targets.filter((target) => target.wants(action)).map((target) => target.name);
  if (targets.length === 0) return;
  const queue = queueOf(change);
  await openQueues(tx, { queue, targets, now: change.at });
  const event = eventOf({ ...change, action });
  const row = { event_id: event.id, type: event.type, body: JSON.stringify(event), created_at: toRowTime(change.at) };
  await insertEvent(tx, row, { queue, targets });
}

/** Events of one package are told in order, and those of one user that are about no package. */
function queueOf({ packageId, userId }: { packageId: number | null; userId: number | null }): string {
  if (packageId !== null) return `package ${packageId}`;
  return userId === null ? "registry" : `user ${userId}`;
}
