import { randomUUID } from "node:crypto";
import type { Context } from "../../context.ts";
import {
  claimQueue,
  deleteQueue,
  listDueQueues,
  moveQueue,
  postponeQueues,
  type QueueClaim,
} from "../../db/event-queues.ts";
import { findFirstWaiting, updateWaiting, type WaitingDelivery } from "../../db/events.ts";
import { retryDelayMs } from "../../domain/retries.ts";
import { toRowTime } from "../../domain/times.ts";
import type { EventTarget, Outcome } from "../../ports/events.ts";
import { beginNext, nothingBegun, tellGivenUp } from "./beginning-deliveries.ts";

/** A target's part of one delivery run. */
export interface Run {
  target: EventTarget;
  /** Whether no more is to be begun. */
  isOver(): boolean;
  /** Aborted when the host wants an end. */
  signal: AbortSignal | undefined;
  counts: { delivered: number; failed: number; dead: number };
}

/** Beside the attempt itself: for the database, and for clocks that differ. */
const leaseMarginMs = 30_000;
/** Queues looked at in one go; other instances may be at the first ones. */
const claimCandidates = 20;
/** After so many failures in a row a target is left alone, its other queues too. */
const failuresToPause = 3;
const pauseMs = 30_000;

/**
 * Delivers what is due for a target, queue by queue, until nothing is or the run is over. Several may run at the same time, in several
 * instances too: a queue is claimed by one conditional write, for a time.
 */
export async function deliverTo(ctx: Context, run: Run): Promise<void> {
  const streak = { failures: 0 };
  while (!run.isOver() && streak.failures < failuresToPause) {
    const claimed = await claimNext(ctx, run);
    if (claimed === null) return;
    await drain(ctx, { ...run, ...claimed, streak });
  }
  if (streak.failures < failuresToPause) return;
  const now = ctx.clock.now();
  const { name: target } = run.target;
  await ctx.database.write((tx) => postponeQueues(tx, { target, now, until: now + pauseMs }));
}

interface Claimed extends Run {
  claim: QueueClaim;
  first: WaitingDelivery;
  streak: { failures: number };
}

async function claimNext(
  ctx: Context,
  { target, counts }: Run,
): Promise<{ claim: QueueClaim; first: WaitingDelivery } | null> {
  const now = ctx.clock.now();
  const due = await listDueQueues(ctx.database.reader, { target: target.name, now, limit: claimCandidates });
  for (const { queue, next_attempt_at: dueAt } of due) {
    const claim = { target: target.name, queue, lease: randomUUID() };
    const { next: first, givenUp } = await ctx.database.write(async (tx) => {
      const isOurs = await claimQueue(tx, claim, { dueAt, until: leaseEnd(ctx, target) });
      return isOurs ? beginNext(ctx, tx, claim) : nothingBegun;
    });
    tellGivenUp(ctx, counts, givenUp);
    if (first !== null) return { claim, first };
  }
  return null;
}

function leaseEnd(ctx: Context, target: EventTarget): number {
  return ctx.clock.now() + target.timeoutMs + leaseMarginMs;
}

/** Delivers what waits in a claimed queue, one after the other, until something fails or the run is over. */
async function drain(ctx: Context, claimed: Claimed): Promise<void> {
  const { target, counts, streak, signal } = claimed;
  let next: WaitingDelivery | null = claimed.first;
  while (next !== null) {
    const current: WaitingDelivery = next;
    const outcome = await attempt(target, current, signal);
    if (outcome.isDelivered) {
      counts.delivered += 1;
      streak.failures = 0;
      next = await settle(ctx, claimed, current, { state: "delivered", last_error: null });
    } else if (signal?.aborted) {
      return giveBack(ctx, claimed, current);
    } else {
      streak.failures += 1;
      next = await fail(ctx, claimed, current, outcome);
    }
  }
}

async function attempt(
  target: EventTarget,
  { event_id, body }: WaitingDelivery,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    deadline.abort(new Error(`no answer after ${target.timeoutMs} ms`));
  }, target.timeoutMs);
  const signals = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
  try {
    return await target.tell({ id: event_id, body }, signals);
  } finally {
    clearTimeout(timer);
  }
}

/** Notes that an event needs no more attempts, and begins the next one of the queue unless the run is over. */
async function settle(
  ctx: Context,
  { claim, target, isOver, counts }: Claimed,
  done: WaitingDelivery,
  change: { state: "delivered" | "dead"; last_error: string | null },
): Promise<WaitingDelivery | null> {
  const goesOn = !isOver();
  const now = ctx.clock.now();
  const { next, givenUp } = await ctx.database.write(async (tx) => {
    const nextAttemptAt = goesOn ? leaseEnd(ctx, target) : now;
    const isOurs = await moveQueue(tx, claim, { nextAttemptAt, keep: goesOn });
    await updateWaiting(tx, done, { ...change, settled_at: toRowTime(now) });
    if (!isOurs) return nothingBegun;
    if (goesOn) return beginNext(ctx, tx, claim);
    const more = await findFirstWaiting(tx, claim.target, claim.queue);
    if (more === undefined) await deleteQueue(tx, claim.target, claim.queue);
    return nothingBegun;
  });
  tellGivenUp(ctx, counts, givenUp);
  return next;
}

async function fail(
  ctx: Context,
  claimed: Claimed,
  failed: WaitingDelivery,
  { error, retryAfterMs = 0, isFinal = false }: Exclude<Outcome, { isDelivered: true }>,
): Promise<WaitingDelivery | null> {
  const { claim, counts } = claimed;
  const { event_id: event, type, attempts } = failed;
  if (isFinal || attempts >= ctx.events.maxAttempts) {
    const next = await settle(ctx, claimed, failed, { state: "dead", last_error: error });
    tellGivenUp(ctx, counts, [{ ...failed, last_error: error }]);
    return next;
  }
  counts.failed += 1;
  const fields = { target: claim.target, event, type, attempts, reason: error };
  ctx.logger.warn(fields, "an event was not delivered; it is tried again");
  const nextAttemptAt = ctx.clock.now() + Math.max(retryDelayMs(attempts), retryAfterMs);
  await ctx.database.write(async (tx) => {
    if (await moveQueue(tx, claim, { nextAttemptAt, keep: false }))
      await updateWaiting(tx, failed, { last_error: error });
  });
  return null;
}

/** The host wanted an end: the attempt was not the target's fault. */
async function giveBack(ctx: Context, { claim }: Claimed, current: WaitingDelivery): Promise<void> {
  const now = ctx.clock.now();
  await ctx.database.write(async (tx) => {
    if (!(await moveQueue(tx, claim, { nextAttemptAt: now, keep: false }))) return;
    await updateWaiting(tx, current, { attempts: current.attempts - 1 });
  });
}
