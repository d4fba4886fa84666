import type { Context } from "../../context.ts";
import { deleteDeliveries, listDelivered } from "../../db/events.ts";
import { toRowTime } from "../../domain/times.ts";

/** Rows removed in one transaction: few enough to hold nobody up. */
const batchRows = 500;

/**
 * Removes up to 500 deliveries that are older than they are kept, with the events that nobody else is to be told of; says how many. Call
 * it again while it removes that many. What was given up stays, for the host to decide about.
 */
export async function removeDeliveredEvents(ctx: Context): Promise<number> {
  const before = toRowTime(ctx.clock.now() - ctx.events.retentionMs);
  const keys = await listDelivered(ctx.database.reader, before, batchRows);
  if (keys.length === 0) return 0;
  return ctx.database.write((tx) => deleteDeliveries(tx, keys, "delivered"));
}
