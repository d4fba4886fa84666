import { finished, PassThrough, type Readable } from "node:stream";
import type { z } from "zod";
import { type ErrorCode, type ErrorDetails, RegistryError } from "../errors.ts";
import type { HttpRequest } from "./types.ts";

/**
 * The request's body as a stream that can be given up without giving up the connection: what is left is read and dropped, so
 * that the client gets to see the answer.
 * @throws body_already_read
 */
export function rawBody(request: HttpRequest): Readable {
  if (request.parsedBody !== undefined) throw new RegistryError("body_already_read");
  const source = request.body;
  const copy = new PassThrough({ highWaterMark: 256 * 1024 });
  finished(source, { writable: false }, (error) => {
    if (error) copy.destroy(new RegistryError("incomplete_body", { cause: error }));
  });
  copy.once("close", () => {
    source.unpipe(copy);
    source.resume();
  });
  return source.pipe(copy);
}

const restTimeMs = 10_000;

/**
 * Reads and drops, for some seconds, what is left of the body of a request whose connection ends with the answer: a client that is
 * still sending when the connection ends does not get to see the answer. Other connections go on, and are read by themselves.
 */
export async function readRest({ headers, body }: HttpRequest): Promise<void> {
  if (!/\bclose\b/i.test(headers.connection ?? "") || body.readableEnded || body.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, restTimeMs);
  finished(body, { writable: false }, () => resolve());
  body.resume();
  await promise;
  clearTimeout(timer);
}

/** Bytes the client promised to send, where it did. */
export function promisedSize(request: HttpRequest): number | undefined {
  const length = request.headers["content-length"];
  return length === undefined || !/^\d{1,15}$/.test(length) ? undefined : Number(length);
}

/**
 * The JSON body, checked against a schema. An empty body is an empty object.
 * @throws unsupported_media_type, payload_too_large, invalid_json, incomplete_body, and `invalid` naming each field that is wrong
 */
export async function readJson(
  request: HttpRequest,
  expected: { schema: z.ZodType; invalid: ErrorCode; maxBytes: number },
): Promise<unknown> {
  const { parsedBody } = request;
  // The host collected the body, but not as JSON.
  if (typeof parsedBody === "string" || Buffer.isBuffer(parsedBody)) throw new RegistryError("body_already_read");
  // Forms that a parser of the host made an object of are no JSON either.
  if (parsedBody !== undefined && request.headers["content-type"] !== undefined)
    requireJson(request.headers["content-type"]);
  const value = parsedBody === undefined ? await parseBody(request, expected.maxBytes) : parsedBody;
  const parsed = expected.schema.safeParse(value);
  if (!parsed.success) throw new RegistryError(expected.invalid, { details: toDetails(parsed.error) });
  return parsed.data;
}

function notJson(): RegistryError {
  return new RegistryError("unsupported_media_type", { details: { expected: "application/json" } });
}

function requireJson(contentType = ""): void {
  if (/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType)) return;
  throw notJson();
}

async function parseBody(request: HttpRequest, maxBytes: number): Promise<unknown> {
  const bytes = await collect(request, maxBytes);
  if (bytes.length === 0) return {};
  if (request.headers["content-encoding"] !== undefined) throw notJson();
  requireJson(request.headers["content-type"]);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new RegistryError("invalid_json", { cause: error });
  }
}

async function collect(request: HttpRequest, maxBytes: number): Promise<Buffer> {
  const tooLarge = () => new RegistryError("payload_too_large", { details: { maxBytes } });
  if ((promisedSize(request) ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of rawBody(request)) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function toDetails(error: z.ZodError): ErrorDetails {
  return Object.fromEntries(error.issues.map((issue) => [issue.path.join(".") || "body", issue.message]));
}
