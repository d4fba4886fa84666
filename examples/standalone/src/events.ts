import { createHash } from "node:crypto";
import type { EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { EventOptions, Logger, Registry } from "@serverless-registry/core";
import type { Config } from "./config.ts";

/** Who is told of events, as the configuration names them. */
export function eventsOf({ webhooks, webhookSecret, previousWebhookSecret }: Config): { events?: EventOptions } {
  if (webhooks.length === 0 || webhookSecret === null) return {};
  const secret = [webhookSecret, ...(previousWebhookSecret === null ? [] : [previousWebhookSecret])];
  return { events: { webhooks: Object.fromEntries(webhooks.map((url) => [nameOf(url), { url, secret }])) } };
}

/** The same for the same address in whatever order, and without what in it may be secret. */
function nameOf(url: string): string {
  return `webhook-${createHash("sha256").update(url).digest("hex").slice(0, 12)}`;
}

/** Whose events are to be delivered, and when. */
export interface EventCare {
  registry: Registry;
  log: Logger;
  /** Addresses, as the configuration names them. */
  webhooks: readonly string[];
  /** Emits `change` after each change of this server's. */
  changes: EventEmitter<{ change: [] }>;
  everyMs: number;
}

/** Longest that a stop waits for what is under way; it is broken off, and sent again by the next run. */
const END_TIMEOUT_MS = 5000;

/**
 * Delivers events soon after each change of this server's, and from time to time: what other servers left, and what is to be tried
 * again. Failures are logged and end nothing. Each webhook is cared for by itself: one that does not answer holds up no other.
 */
export function careForEvents({ registry, log, webhooks, changes, everyMs }: EventCare): { end(): Promise<void> } {
  const stop = new AbortController();
  const cares = webhooks.map((url) => {
    const target = nameOf(url);
    // Paths and queries of addresses may be secret.
    log.info({ target, origin: new URL(url).origin }, "events go to a webhook");
    return careForTarget({ registry, log, target, signal: stop.signal });
  });
  const deliverLater = () => {
    for (const care of cares) care.deliverLater();
  };
  deliverLater();
  changes.on("change", deliverLater);
  const timer = setInterval(deliverLater, everyMs).unref();
  return {
    async end() {
      clearInterval(timer);
      changes.off("change", deliverLater);
      stop.abort();
      const done = Promise.all(cares.map((care) => care.done()));
      await Promise.race([done, sleep(END_TIMEOUT_MS, undefined, { ref: false })]);
    },
  };
}

interface TargetCare {
  registry: Registry;
  log: Logger;
  target: string;
  signal: AbortSignal;
}

function careForTarget({ registry, log, target, signal }: TargetCare): { deliverLater(): void; done(): Promise<void> } {
  let work: Promise<void> = Promise.resolve();
  let isWaiting = false;

  function deliverLater(): void {
    // However many changes come while a delivery runs, one more does for all of them.
    if (isWaiting || signal.aborted) return;
    isWaiting = true;
    work = work.then(() => {
      isWaiting = false;
      return deliver();
    });
  }

  async function deliver(): Promise<void> {
    if (signal.aborted) return;
    try {
      const { nextDueInMs } = await registry.events.deliver({ targets: [target], signal });
      if (nextDueInMs === 0) deliverLater();
    } catch (error) {
      log.warn({ err: error, target }, "events were not delivered");
    }
  }

  return { deliverLater, done: () => work };
}
