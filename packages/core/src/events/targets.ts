import { parseWebhookSecret } from "../domain/webhooks.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventListener, EventOptions, EventPlan, EventTarget, Webhook } from "../ports/events.ts";
import { eventTypes } from "./event-of.ts";
import { listenerTarget } from "./listener.ts";
import { webhookTarget } from "./webhook.ts";

const dayMs = 24 * 60 * 60_000;
const webhookTimeoutMs = 10_000;
const longestTimeoutMs = 10 * 60_000;

/**
 * Who is told of events, from the host's options.
 * @throws TypeError, RangeError for options that cannot work
 */
export function eventPlan(options: EventOptions, clock: Clock): EventPlan {
  const { listeners = {}, webhooks = {}, maxAttempts = 12, retentionMs = 7 * dayMs } = options;
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1) throw new RangeError("events: maxAttempts must be 1 or more");
  if (!(retentionMs >= 0)) throw new RangeError("events: retentionMs must be 0 or more");
  const targets = [
    ...Object.entries(listeners).map(([name, listener]) => toListener(name, listener)),
    ...Object.entries(webhooks).map(([name, webhook]) => toWebhook(name, webhook, clock)),
  ];
  const names = targets.map((target) => target.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new TypeError(`events: ${twice} is a listener and a webhook; each needs its own name`);
  return { targets, maxAttempts, retentionMs };
}

function toListener(name: string, listener: EventListener): EventTarget {
  requireName(name);
  if (typeof listener !== "function") throw new TypeError(`events: the listener ${name} is no function`);
  return listenerTarget(name, listener);
}

function toWebhook(name: string, webhook: Webhook, clock: Clock): EventTarget {
  requireName(name);
  const { timeoutMs = webhookTimeoutMs, types } = webhook;
  if (!(timeoutMs > 0 && timeoutMs <= longestTimeoutMs)) {
    throw new RangeError(`events: timeoutMs of the webhook ${name} must be above 0 and at most ${longestTimeoutMs}`);
  }
  const unknown = types?.find((type) => !eventTypes.has(type));
  if (unknown !== undefined) throw new TypeError(`events: the webhook ${name} names ${unknown}, which never happens`);
  const wanted = types === undefined ? null : new Set<string>(types);
  const url = requireUrl(name, webhook.url);
  const secrets = requireSecrets(name, webhook.secret);
  return webhookTarget({ name, url, secrets, timeoutMs, clock, wants: (type) => wanted === null || wanted.has(type) });
}

function requireName(name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw new TypeError("events: a name has letters, digits, . _ - and at most 64 of them");
  }
}

/** The address itself stays out of the message: it may hold a secret. */
function requireUrl(name: string, text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(`events: the url of the webhook ${name} is no http or https address`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError(`events: the url of the webhook ${name} holds a user name or password`);
  }
  return url.href;
}

function requireSecrets(name: string, given: Webhook["secret"]): Buffer[] {
  const secrets = [given].flat().map((secret) => parseWebhookSecret(String(secret)));
  const known = secrets.filter((secret) => secret !== null);
  if (known.length === 0 || known.length < secrets.length) {
    throw new TypeError(`events: the secret of the webhook ${name} must be whsec_ and 24 to 64 bytes in Base64`);
  }
  return known;
}
