import type { Context } from "../context.ts";
import { deleteQueue, findNextDue, openQueues } from "../db/event-queues.ts";
import {
  type DeliveryRow,
  deleteDeliveries,
  findDelivery,
  findFirstWaiting,
  listDeliveries,
  reviveDelivery,
} from "../db/events.ts";
import type { EventTarget, RegistryEvent } from "../ports/events.ts";
import { deliverTo } from "./steps/delivering.ts";

/** Whom to tell, and when to stop early. */
export interface DeliverInput {
  /** Names of the listeners and webhooks to tell; default all. */
  targets?: readonly string[];
  /** Aborted, the call ends soon: what is under way is broken off, and is due again at once. */
  signal?: AbortSignal;
}

/** What was delivered, and when there is more to do. */
export interface DeliverReport {
  delivered: number;
  /** Attempts that failed and are made again later. */
  failed: number;
  /** Events that were given up. */
  dead: number;
  /** In how many milliseconds to call again; 0 for at once, null when nothing waits. */
  nextDueInMs: number | null;
}

/** Queues of one target that are delivered at the same time, in one call. */
const workersPerTarget = 4;
/** How long a call begins new attempts. */
const budgetMs = 30_000;

/**
 * Tells listeners and webhooks of what waits for them and is due. Call it from time to time, and best after each change too; it may be
 * called while it still runs, and in several instances. A target that fails holds up no other; the call itself ends when it is done
 * with the slowest of its targets. What is broken off, by the end of the process too, is delivered again: an event may come more than
 * once. For the host only.
 * @throws RangeError when no listener and no webhook has a name of `targets`
 */
export async function deliver(ctx: Context, { targets: chosen, signal }: DeliverInput = {}): Promise<DeliverReport> {
  const targets = targetsOf(ctx, chosen);
  const counts = { delivered: 0, failed: 0, dead: 0 };
  if (targets.length === 0) return { ...counts, nextDueInMs: null };
  const endsAt = performance.now() + budgetMs;
  const isOver = () => signal?.aborted === true || performance.now() > endsAt;
  const workers = targets.flatMap((target) =>
    Array.from({ length: workersPerTarget }, () => deliverTo(ctx, { target, isOver, signal, counts })),
  );
  for (const result of await Promise.allSettled(workers)) if (result.status === "rejected") throw result.reason;
  const names = targets.map((target) => target.name);
  const due = await findNextDue(ctx.database.reader, names);
  return { ...counts, nextDueInMs: due === null ? null : Math.max(0, due - ctx.clock.now()) };
}

function targetsOf({ events: { targets } }: Context, chosen: readonly string[] | undefined): readonly EventTarget[] {
  if (chosen === undefined) return targets;
  const unknown = chosen.find((name) => !targets.some((target) => target.name === name));
  if (unknown !== undefined) throw new RangeError(`no listener and no webhook is called ${unknown}`);
  return targets.filter((target) => chosen.includes(target.name));
}

/** Which deliveries of a target to show. */
export interface ListDeliveriesInput {
  /** Name of a listener or webhook, also of one that is not configured any more. */
  target: string;
  /** `waiting`, `dead` (given up), which is the default, or `delivered`. */
  state?: "waiting" | "delivered" | "dead";
  /** Show what follows this `sequence`. */
  after?: number;
  /** 1 to 1000; default 100. */
  limit?: number;
}

/** An event on its way to one target. */
export interface EventDelivery {
  /** Place among the events of the registry. */
  sequence: number;
  event: RegistryEvent;
  attempts: number;
  /** What came of the last attempt that failed; null when none did. */
  lastError: string | null;
}

/**
 * What waits for a target, was delivered lately, or was given up; in order. For the host only.
 * @throws RangeError for another limit
 */
export async function list(ctx: Context, input: ListDeliveriesInput): Promise<EventDelivery[]> {
  const { target, state = "dead", after = 0, limit = 100 } = input;
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw new RangeError("limit must be from 1 to 1000");
  const rows = await listDeliveries(ctx.database.reader, { target, state, after, limit });
  return rows.map(({ sequence, body, attempts, last_error: lastError }) => {
    return { sequence, event: JSON.parse(body) as RegistryEvent, attempts, lastError };
  });
}

/** What to deliver again. */
export interface RedeliverInput {
  target: string;
  /** Id of an event, given up or delivered; left out, all that were given up for the target. */
  event?: string;
}

/**
 * Has events that were given up, or one that was delivered, wait again as if they were new, and says how many. They go before later
 * ones of the same package. For the host only.
 */
export async function redeliver(ctx: Context, { target, event }: RedeliverInput): Promise<number> {
  if (event !== undefined) {
    const found = await findDelivery(ctx.database.reader, target, event);
    return found === undefined || found.state === "waiting" ? 0 : revive(ctx, found);
  }
  let revived = 0;
  for (let after = 0; ; ) {
    const rows = await listDeliveries(ctx.database.reader, { target, state: "dead", after, limit: batchRows });
    for (const row of rows) revived += await revive(ctx, row);
    const last = rows.at(-1);
    if (last === undefined) return revived;
    after = last.sequence;
  }
}

/** Whose events to remove. */
export interface DiscardInput {
  target: string;
}

/**
 * Removes what waits or was given up for a target, and says how many events that were: for one that is configured no more. For the
 * host only.
 */
export async function discard(ctx: Context, { target }: DiscardInput): Promise<number> {
  let discarded = 0;
  for (const state of ["waiting", "dead"]) {
    for (;;) {
      const rows = await listDeliveries(ctx.database.reader, { target, state, after: 0, limit: batchRows });
      if (rows.length === 0) break;
      discarded += await discardSome(ctx, rows, { target, state });
    }
  }
  return discarded;
}

const batchRows = 100;

/** Nobody adds to a queue, or delivers from it, while it is looked at: it goes only when nothing waits there any more. */
async function discardSome(
  ctx: Context,
  rows: readonly DeliveryRow[],
  { target, state }: { target: string; state: string },
): Promise<number> {
  // What was given up is in no queue.
  const queues = state === "waiting" ? [...new Set(rows.map((row) => row.queue))].sort() : [];
  const now = ctx.clock.now();
  return ctx.database.write(async (tx) => {
    for (const queue of queues) await openQueues(tx, { queue, targets: [target], now });
    const discarded = await deleteDeliveries(tx, rows, state);
    for (const queue of queues) {
      if ((await findFirstWaiting(tx, target, queue)) === undefined) await deleteQueue(tx, target, queue);
    }
    return discarded;
  });
}

async function revive(ctx: Context, row: Pick<DeliveryRow, "sequence" | "target" | "queue">): Promise<number> {
  const { queue, target } = row;
  return ctx.database.write(async (tx) => {
    await openQueues(tx, { queue, targets: [target], now: ctx.clock.now() });
    return (await reviveDelivery(tx, row)) ? 1 : 0;
  });
}
