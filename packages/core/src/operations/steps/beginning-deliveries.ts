import type { Context } from "../../context.ts";
import { deleteQueue, type QueueClaim } from "../../db/event-queues.ts";
import { findFirstWaiting, updateWaiting, type WaitingDelivery } from "../../db/events.ts";
import { toRowTime } from "../../domain/times.ts";
import type { Tx } from "../../ports/database.ts";

/** An event that is not tried again. */
export interface GivenUp extends WaitingDelivery {
  last_error: string;
}

/** Whose turn it is. */
export interface Begun {
  next: WaitingDelivery | null;
  /** Those before it whose last attempt nobody saw the end of; to be told of once the transaction is through. */
  givenUp: readonly GivenUp[];
}

/** Where a queue is somebody else's. */
export const nothingBegun: Begun = { next: null, givenUp: [] };

/**
 * The event whose turn it is in a claimed queue, with one more attempt noted: one that ends the process counts. Null when nothing waits; then
 * the queue is gone.
 */
export async function beginNext(ctx: Context, tx: Tx, { target, queue }: QueueClaim): Promise<Begun> {
  const givenUp: GivenUp[] = [];
  for (;;) {
    const next = await findFirstWaiting(tx, target, queue);
    if (next === undefined) {
      await deleteQueue(tx, target, queue);
      return { next: null, givenUp };
    }
    const attempts = next.attempts + 1;
    if (attempts <= ctx.events.maxAttempts) {
      await updateWaiting(tx, next, { attempts });
      return { next: { ...next, attempts }, givenUp };
    }
    const change = { state: "dead", settled_at: toRowTime(ctx.clock.now()), last_error: lastAttemptLost } as const;
    await updateWaiting(tx, next, change);
    givenUp.push({ ...next, last_error: lastAttemptLost });
  }
}

const lastAttemptLost = "the process ended during the last attempt";

/** Counts and logs what was given up. Not within the transaction, which may fail or run twice. */
export function tellGivenUp(ctx: Context, counts: { dead: number }, givenUp: readonly GivenUp[]): void {
  for (const { target, event_id: event, type, attempts, last_error: reason } of givenUp) {
    counts.dead += 1;
    ctx.logger.error({ target, event, type, attempts, reason }, "an event was given up");
  }
}
