import { createHmac, timingSafeEqual } from "node:crypto";

const prefix = "whsec_";

/** The bytes of a webhook's secret; null for what is none: `whsec_` and 24 to 64 bytes in Base64. */
export function parseWebhookSecret(secret: string): Buffer | null {
  if (!secret.startsWith(prefix)) return null;
  const text = secret.slice(prefix.length);
  const bytes = Buffer.from(text, "base64");
  const isBase64 = bytes.toString("base64").replace(/=+$/, "") === text.replace(/=+$/, "");
  return isBase64 && bytes.length >= 24 && bytes.length <= 64 ? bytes : null;
}

/** What is signed of a webhook request. */
export interface WebhookMessage {
  id: string;
  /** Seconds since 1970. */
  timestamp: number | string;
  body: string | Uint8Array;
}

/** The signature headers of a request, as the Standard Webhooks specification has them; one signature per secret. */
export function webhookHeaders(secrets: readonly Buffer[], message: WebhookMessage): Record<string, string> {
  return {
    "webhook-id": message.id,
    "webhook-timestamp": String(message.timestamp),
    "webhook-signature": secrets.map((secret) => `v1,${sign(secret, message).toString("base64")}`).join(" "),
  };
}

function sign(secret: Buffer, { id, timestamp, body }: WebhookMessage): Buffer {
  return createHmac("sha256", secret).update(`${id}.${timestamp}.`).update(body).digest();
}

/** A webhook request, as a receiver got it. */
export interface ReceivedWebhook {
  /** Those of a Node request, or a `Headers` object. */
  headers: Readonly<Record<string, string | readonly string[] | undefined>> | Pick<Headers, "get">;
  /** The body as it came, byte for byte: before anything has parsed it. */
  body: string | Uint8Array;
  /** The webhook's secret, or several while it is being replaced. */
  secret: string | readonly string[];
  /** How far the request's time may be from `now`; default 5 minutes. */
  toleranceMs?: number;
  /** Milliseconds since 1970; default now. */
  now?: number;
}

/**
 * Whether a webhook request was signed with the secret, and lately. True once: who must not act twice remembers the header
 * `webhook-id`, which an event that is sent again keeps.
 * @throws TypeError for a secret that is none
 */
export function verifyWebhook(request: ReceivedWebhook): boolean {
  const { body, toleranceMs = 5 * 60_000, now = Date.now() } = request;
  const secrets = [request.secret].flat().map(requireSecret);
  const [id, timestamp, signatures] = ["id", "timestamp", "signature"].map((name) =>
    headerOf(request, `webhook-${name}`),
  );
  if (id === undefined || timestamp === undefined || signatures === undefined) return false;
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(Number(timestamp) * 1000 - now) > toleranceMs) return false;
  const expected = secrets.map((secret) => sign(secret, { id, timestamp, body }));
  const given = signatures
    .split(" ")
    .filter((one) => one.startsWith("v1,"))
    .map((one) => Buffer.from(one.slice("v1,".length), "base64"));
  return given.some((one) => expected.some((other) => one.length === other.length && timingSafeEqual(one, other)));
}

function requireSecret(secret: string): Buffer {
  const bytes = parseWebhookSecret(secret);
  if (bytes === null) throw new TypeError("A webhook's secret is whsec_ and 24 to 64 bytes in Base64");
  return bytes;
}

function headerOf({ headers }: ReceivedWebhook, name: string): string | undefined {
  // A plain object may have a header called "get", which is no function.
  const value = isHeaders(headers) ? headers.get(name) : headers[name];
  return typeof value === "string" ? value : undefined;
}

function isHeaders(headers: ReceivedWebhook["headers"]): headers is Pick<Headers, "get"> {
  return typeof headers.get === "function";
}
