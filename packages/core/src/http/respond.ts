import { hash } from "node:crypto";
import { type ErrorCode, errors, RegistryError } from "../errors.ts";
import type { Registry } from "../registry.ts";
import type { Reply } from "./route.ts";
import type { HttpRequest, HttpResponse } from "./types.ts";

/** What a browser is told of every answer: take it for what it says it is, run nothing in it, tell nobody where you were. */
export const safetyHeaders = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
  "referrer-policy": "no-referrer",
} as const;
const jsonHeaders = { ...safetyHeaders, "content-type": "application/json; charset=utf-8" } as const;

const cacheControl = {
  none: "no-store",
  shared: "no-cache",
  client: "private, no-cache",
} as const;

/** A JSON text and its entity tag. */
export interface JsonText {
  text: string;
  etag: string;
}

/** Texts of objects that never change, made once per address that the text's addresses begin with, and kept as long as the object lives. */
export interface JsonMemo {
  remember(source: object, base: string, make: () => JsonText): JsonText;
}

/** An empty {@link JsonMemo}. */
export function jsonMemo(): JsonMemo {
  const texts = new Map<string, WeakMap<object, JsonText>>();
  return {
    remember(source, base, make) {
      const kept = texts.get(base)?.get(source);
      if (kept !== undefined) return kept;
      const ofBase = texts.get(base) ?? new WeakMap<object, JsonText>();
      texts.set(base, ofBase);
      const text = make();
      ofBase.set(source, text);
      return text;
    },
  };
}

/** What making an answer of a reply needs to know. */
export interface AnsweredExchange {
  request: HttpRequest;
  memo: JsonMemo;
  /** The address that addresses in the answer begin with. */
  base(): string;
}

/** Makes an answer of what a route replied. */
export function toResponse(reply: Reply, status: number, exchange: AnsweredExchange): HttpResponse {
  const { request } = exchange;
  const cache = reply.cache ?? "none";
  if (reply.stream !== undefined || reply.json === undefined) {
    const headers = { ...safetyHeaders, "cache-control": cacheControl[cache], ...reply.headers };
    return { status: reply.status ?? status, headers, body: reply.stream ?? null };
  }
  if (cache === "none") {
    const headers = { ...jsonHeaders, "cache-control": "no-store", ...reply.headers };
    return { status: reply.status ?? status, headers, body: JSON.stringify(reply.json) };
  }
  const { text, etag } = textOf(reply, exchange);
  const about = (base: Readonly<Record<string, string>>) => ({
    ...base,
    "cache-control": cacheControl[cache],
    etag,
    ...reply.headers,
  });
  // Who has the answer has the headers that speak of its body too.
  if (matchesEtag(request.headers["if-none-match"], etag)) return { status: 304, headers: about({}), body: null };
  return { status: reply.status ?? status, headers: about(jsonHeaders), body: text };
}

function textOf({ source, json }: Reply, { memo, base }: AnsweredExchange): JsonText {
  return source === undefined ? render(json) : memo.remember(source, base(), () => render(json));
}

function render(json: unknown): JsonText {
  const text = JSON.stringify(typeof json === "function" ? json() : json);
  return { text, etag: `"${hash("sha256", text, "base64url").slice(0, 27)}"` };
}

/** True when an If-None-Match header names this entity tag, or all. */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header === etag) return true;
  return header.split(",").some((item) => {
    const tag = item.trim();
    return tag === "*" || tag === etag || tag === `W/${etag}`;
  });
}

/** The answer for a failure. What is not a RegistryError is an outage or a defect of ours: logged, and told as little as possible. */
export function toFailure(error: unknown, registry: Registry, request: HttpRequest): HttpResponse {
  if (RegistryError.is(error)) return failure(error);
  const outage = registry.outage(error);
  const entry = { err: error, method: request.method, requestId: request.requestId };
  registry.logger.error(
    entry,
    outage === null ? "request failed" : "request failed: something it needs is away or full",
  );
  return failure(new RegistryError(outage ?? "internal"));
}

const signatureCodes: readonly string[] = [
  ...(["invalid_signature", "stale_signature", "replayed_request", "signature_required"] satisfies ErrorCode[]),
];

function failure(error: RegistryError): HttpResponse {
  const { message, status } = errors[error.code as ErrorCode] ?? errors.internal;
  const retryAfterMs = error.retryAfterMs ?? (status === 503 ? 1000 : undefined);
  return {
    status,
    code: error.code,
    headers: {
      ...jsonHeaders,
      "cache-control": "no-store",
      ...(status === 401 ? { "www-authenticate": signatureCodes.includes(error.code) ? "Signature" : "Bearer" } : {}),
      // Who is too slow begins anew, on another connection.
      ...(status === 408 ? { connection: "close" } : {}),
      ...(status === 416 ? { "content-range": `bytes */${error.details?.size}` } : {}),
      ...(retryAfterMs === undefined ? {} : { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }),
    },
    body: JSON.stringify({ error: message, code: error.code, ...(error.details ? { details: error.details } : {}) }),
  };
}
