import type { Context } from "../../context.ts";
import { deleteDeliveries, deleteEvents, listDelivered, listEvents } from "../../db/events.ts";
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

/** What became of a page of events. */
export interface ForgottenEvents {
  removed: number;
  /** What to go on behind; null when no more can be old enough. */
  next: number | null;
}

/**
 * Removes those of up to 500 events behind `after` that are older than events are kept and have no delivery, as sweeps leave them that
 * remove the deliveries of one event at the same moment.
 */
export async function removeForgottenEvents(ctx: Context, after: number): Promise<ForgottenEvents> {
  const before = toRowTime(ctx.clock.now() - ctx.events.retentionMs);
  const page = await listEvents(ctx.database.reader, { after, limit: batchRows });
  const old = page.filter((event) => event.created_at < before);
  const forgotten = old.filter((event) => !event.isKept).map((event) => event.id);
  const removed = forgotten.length === 0 ? 0 : await ctx.database.write((tx) => deleteEvents(tx, forgotten));
  // They are numbered in the order in which they were written: behind a page of young ones are no old ones.
  const isLast = page.length < batchRows || old.length === 0;
  return { removed, next: isLast ? null : (page.at(-1)?.id ?? null) };
}
