import { isUtf8 } from "node:buffer";
import { finished, type Readable } from "node:stream";
import type { z } from "zod";
import { type ErrorCode, type ErrorDetails, RegistryError } from "../errors.ts";
import { type BodyPace, paced } from "./body-pace.ts";
import { checkJsonText, checkJsonValue } from "./json-text.ts";
import type { HttpRequest } from "./types.ts";

/**
 * The request's body as a stream that can be given up without giving up the connection: what is left is read and dropped, so
 * that the client gets to see the answer.
 * The stream breaks with request_timeout when the body comes too slowly.
 * @throws body_already_read
 */
export function rawBody(request: HttpRequest, pace: BodyPace): Readable {
  if (request.parsedBody !== undefined) throw new RegistryError("body_already_read");
  const source = request.body;
  const copy = paced(source, pace);
  finished(source, { writable: false }, (error) => {
    if (error) copy.destroy(RegistryError.is(error) ? error : new RegistryError("incomplete_body", { cause: error }));
  });
  // Somebody always listens, also when the body breaks before anybody reads it.
  copy.on("error", () => {});
  copy.once("close", () => {
    source.unpipe(copy);
    source.resume();
  });
  return source.pipe(copy);
}

/** Bytes the client promised to send, where it did. */
export function promisedSize(request: HttpRequest): number | undefined {
  const length = request.headers["content-length"];
  return length === undefined || !/^\d{1,15}$/.test(length) ? undefined : Number(length);
}

/** What a body has to be. */
export interface ExpectedBody {
  schema: z.ZodType;
  /** Failure that another shape stands for. */
  invalid: ErrorCode;
  maxBytes: number;
  pace: BodyPace;
}

/**
 * The JSON body, checked against a schema. An empty body is an empty object.
 * @throws unsupported_media_type, payload_too_large, invalid_json, incomplete_body, request_timeout, and `invalid` naming each
 * field that is wrong
 */
export async function readJson(request: HttpRequest, expected: ExpectedBody): Promise<unknown> {
  const { parsedBody } = request;
  // The host collected the body, but not as JSON.
  if (typeof parsedBody === "string" || Buffer.isBuffer(parsedBody)) throw new RegistryError("body_already_read");
  // Forms that a parser of the host made an object of are no JSON either.
  if (parsedBody !== undefined && request.headers["content-type"] !== undefined)
    requireJson(request.headers["content-type"]);
  if (parsedBody !== undefined) checkJsonValue(parsedBody);
  const value = parsedBody === undefined ? await parseBody(request, expected) : parsedBody;
  const parsed = expected.schema.safeParse(value);
  if (!parsed.success) throw new RegistryError(expected.invalid, { details: toDetails(parsed.error) });
  return parsed.data;
}

/** A form holds what JSON says in less: every character of another script than Latin is nine bytes. */
const formFactor = 4;

/**
 * The fields of a form without files, checked against a schema. Of a field that is there twice the last one counts.
 * @throws unsupported_media_type, payload_too_large, invalid_request for bytes that are no text, incomplete_body, request_timeout, and
 * `invalid` naming each field that is wrong
 */
export async function readForm(request: HttpRequest, expected: ExpectedBody): Promise<unknown> {
  const { parsedBody } = request;
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(request.headers["content-type"] ?? "")) {
    throw new RegistryError("unsupported_media_type", { details: { expected: "application/x-www-form-urlencoded" } });
  }
  if (typeof parsedBody === "string" || Buffer.isBuffer(parsedBody)) throw new RegistryError("body_already_read");
  const limits = { maxBytes: expected.maxBytes * formFactor, pace: expected.pace };
  const parsed = expected.schema.safeParse(parsedBody ?? parseForm(await collect(request, limits)));
  if (!parsed.success) throw new RegistryError(expected.invalid, { details: toDetails(parsed.error) });
  return parsed.data;
}

function parseForm(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new RegistryError("invalid_request", { details: { body: "a form in UTF-8" } });
  const fields: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(bytes.toString("utf8"))) fields[name] = value;
  return fields;
}

function notJson(): RegistryError {
  return new RegistryError("unsupported_media_type", { details: { expected: "application/json" } });
}

function requireJson(contentType = ""): void {
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType)) throw notJson();
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(contentType)?.[1] ?? "utf-8";
  if (!/^(?:utf-?8|us-ascii)$/i.test(charset)) throw notJson();
}

async function parseBody(request: HttpRequest, limits: BodyLimits): Promise<unknown> {
  const bytes = await collect(request, limits);
  if (bytes.length === 0) return {};
  if (request.headers["content-encoding"] !== undefined) throw notJson();
  requireJson(request.headers["content-type"]);
  const [text, value] = parseJson(bytes);
  checkJsonText(text);
  return value;
}

/** A byte order mark is no JSON, and would be dropped if the decoder were not told to keep it. */
function parseJson(bytes: Buffer): [text: string, value: unknown] {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return [text, JSON.parse(text)];
  } catch (error) {
    throw new RegistryError("invalid_json", { cause: error });
  }
}

/** How much of a body is read, and how slowly it may come. */
export interface BodyLimits {
  maxBytes: number;
  pace: BodyPace;
}

/**
 * Counts the bytes of a body, and gives the failure when they are too many.
 * @throws payload_too_large for one that promises too many
 */
export function sizeGuard(request: HttpRequest, maxBytes: number): (chunk: Buffer) => RegistryError | null {
  const tooLarge = () => new RegistryError("payload_too_large", { details: { maxBytes } });
  if ((promisedSize(request) ?? 0) > maxBytes) throw tooLarge();
  let size = 0;
  return (chunk) => {
    size += chunk.length;
    return size > maxBytes ? tooLarge() : null;
  };
}

/**
 * All of a body that is small enough to be kept. `each` sees its pieces as they come.
 * @throws payload_too_large, incomplete_body, request_timeout, body_already_read
 */
export async function collect(
  request: HttpRequest,
  { maxBytes, pace }: BodyLimits,
  each: (chunk: Buffer) => void = () => {},
): Promise<Buffer> {
  const exceededBy = sizeGuard(request, maxBytes);
  const chunks: Buffer[] = [];
  for await (const chunk of rawBody(request, pace)) {
    const failure = exceededBy(chunk);
    if (failure !== null) throw failure;
    each(chunk);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function toDetails(error: z.ZodError): ErrorDetails {
  return Object.fromEntries(error.issues.map((issue) => [issue.path.join(".") || "body", issue.message]));
}
