import { type Content, sizeOf } from "./digest.ts";
import type { ErrorCode } from "./error-codes.ts";
import { ClientError } from "./errors.ts";
import { type Repeating, repeatedly } from "./retries.ts";
import { type SignatureProfile, signatureHeaders } from "./signing.ts";

/** How to reach a registry, and as whom. */
export interface ClientOptions {
  /** Address of the registry, as its `publicUrl` says, like `https://example.com/registry`. */
  url: string;
  /** A token from `sessions.login`, or a named one. */
  token?: string;
  /** An API key; requests are signed with it and it never travels. */
  apiKey?: string;
  /** How requests are signed; default `v2`. */
  signature?: SignatureProfile;
  /** A stable name of this client, which keeps it on one side of a partial rollout. */
  clientId?: string;
  /** How often a request is tried again after no answer came, or 429 or 503; default 3. */
  retries?: number;
  /** Longest wait for an answer, not counting the sending or reading of an archive, in milliseconds; default 60,000. */
  timeoutMs?: number;
  /** In place of the global `fetch`. */
  fetch?: typeof fetch;
}

/** One request. */
export interface RequestInput extends Repeating {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path below the registry's address, made with {@link path}. */
  path: string;
  query?: Readonly<Record<string, string | number | undefined>>;
  json?: object;
  /** Sent without credentials; default false. */
  asVisitor?: boolean;
  archive?: { content: Uint8Array<ArrayBuffer> | Blob; onProgress?: ((sentBytes: number) => void) | undefined };
}

/** Sends requests, again where that makes sense. */
export interface Transport {
  /** The answer's JSON; undefined for an answer without a body. */
  request(input: RequestInput): Promise<unknown>;
  /** The bytes at an address that authorizes itself. */
  download(address: string, signal?: AbortSignal): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
}

/** A body that tells how far it was sent has to be a stream, and only Node sends streams over HTTP/1.1. */
const tellsProgress = globalThis.process?.versions?.node !== undefined;

/** A path of fixed and of given segments: `` path`/${name}/releases` ``. */
export function path(parts: TemplateStringsArray, ...segments: string[]): string {
  return parts.map((part, index) => (index === 0 ? "" : encodeURIComponent(segments[index - 1] ?? "")) + part).join("");
}

/** Requests to the registry at an address. */
export function transport(options: ClientOptions): Transport {
  const { retries = 3, timeoutMs = 60_000 } = options;
  const base = options.url.replace(/\/+$/, "");
  // Taken when it is called, so that a page may replace the global one.
  const send: typeof fetch = (...args) => (options.fetch ?? fetch)(...args);

  async function once(input: RequestInput): Promise<unknown> {
    const url = new URL(base + input.path);
    for (const [name, value] of Object.entries(input.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const body: Content = input.archive?.content ?? (input.json === undefined ? "" : JSON.stringify(input.json));
    const { token: _token, apiKey: _apiKey, ...visitor } = options;
    const shown = await credentials(input.asVisitor ? visitor : options, input.method, url, body);
    const headers = { ...shown, ...contentHeaders(input) };
    const timeout = AbortSignal.timeout(input.archive === undefined ? timeoutMs : 24 * 60 * 60_000);
    const signal = input.signal === undefined ? timeout : AbortSignal.any([timeout, input.signal]);
    const init = { method: input.method, headers, signal, redirect: "manual" as const };
    const response = await reached(send(url, { ...init, ...bodyOf(input, body) } as RequestInit), input.signal);
    if (!tellsProgress) input.archive?.onProgress?.(sizeOf(input.archive.content));
    return readAnswer(response);
  }

  async function opened(address: string, signal: AbortSignal | undefined) {
    const late = new AbortController();
    // For the answer to begin: how long the bytes take is their number's matter.
    const timer = setTimeout(() => late.abort(new DOMException("No answer came in time", "TimeoutError")), timeoutMs);
    try {
      const until = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]);
      const response = await reached(send(address, { signal: until }), signal);
      if (!response.ok || response.body === null) return (await readAnswer(response)) as never;
      return unlessBroken(response.body, signal);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    request: (input) => repeatedly(() => once(input), { retries, ...input }),
    download: (address, signal) => repeatedly(() => opened(address, signal), { retries, signal }),
  };
}

async function credentials(options: ClientOptions, method: string, url: URL, body: Content) {
  const { token, apiKey, signature = "v2", clientId } = options;
  return {
    accept: "application/json",
    ...(clientId === undefined ? {} : { "x-client-id": clientId }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(apiKey === undefined ? {} : await signatureHeaders(apiKey, signature, { method, url, body })),
  };
}

function contentHeaders({ json, archive }: RequestInput): Record<string, string> {
  if (archive !== undefined) return { "content-type": "application/zip" };
  return json === undefined ? {} : { "content-type": "application/json" };
}

function bodyOf({ json, archive }: RequestInput, body: Content): object {
  if (archive === undefined) return json === undefined ? {} : { body };
  const { content, onProgress } = archive;
  if (onProgress === undefined || !tellsProgress) return { body: content };
  let sentBytes = 0;
  const counter = new TransformStream<Uint8Array<ArrayBuffer>>({
    transform(piece, controller) {
      sentBytes += piece.length;
      onProgress(sentBytes);
      controller.enqueue(piece);
    },
  });
  return { body: new Blob([content]).stream().pipeThrough(counter), duplex: "half" };
}

async function reached(response: Promise<Response>, signal: AbortSignal | undefined): Promise<Response> {
  try {
    return await response;
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw new ClientError("network", { message: "The registry could not be reached", status: 0, cause });
  }
}

/** The same bytes; where they break off, the stream fails with `network`. */
function unlessBroken(bytes: ReadableStream<Uint8Array<ArrayBuffer>>, signal: AbortSignal | undefined) {
  const reader = bytes.getReader();
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (cause) {
          if (signal?.aborted) throw signal.reason;
          throw new ClientError("network", { message: "The download broke off", status: 0, cause });
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

async function readAnswer(response: Response): Promise<unknown> {
  const text = await response.text().catch((cause: unknown) => {
    throw new ClientError("network", { message: "The answer broke off", status: response.status, cause });
  });
  if (response.ok && text === "") return undefined;
  const answer = parse(text);
  if (response.ok && answer !== undefined) return answer;
  const { error, code, details } = (answer ?? {}) as { error?: unknown; code?: unknown; details?: object };
  const facts = { status: response.status, retryAfterMs: retryAfter(response) };
  if (response.ok || typeof error !== "string" || typeof code !== "string") {
    const message = `Something else than a registry answered (HTTP ${response.status})`;
    throw new ClientError("invalid_answer", { ...facts, message });
  }
  throw new ClientError(code as ErrorCode, { ...facts, message: error, details: details as Record<string, unknown> });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function retryAfter({ headers }: Response): number | undefined {
  const given = headers.get("retry-after");
  if (given === null) return undefined;
  if (/^\d{1,9}$/.test(given)) return Number(given) * 1000;
  const moment = Date.parse(given);
  return / GMT$/.test(given) && !Number.isNaN(moment) ? Math.max(0, moment - Date.now()) : undefined;
}
