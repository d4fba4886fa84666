import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Actor, Caller } from "../context.ts";
import { RegistryError } from "../errors.ts";
import type { SignatureCheck } from "../operations/signatures.ts";
import type { Registry } from "../registry.ts";
import { type BodyLimits, collect, rawBody, sizeGuard } from "./bodies.ts";
import type { SignatureSettings } from "./options.ts";
import type { HttpRequest } from "./types.ts";

/** Archives may take their time: the documented signature covers them, and holds only when they have ended. */
const archiveTimeMs = 30 * 60_000;

/** True for requests with any of the headers of a signature: those must verify, whatever else they carry. */
export function isSigned({ headers }: HttpRequest): boolean {
  return (
    headers["x-api-key"] !== undefined ||
    headers["x-timestamp"] !== undefined ||
    headers["x-nonce"] !== undefined ||
    headers["x-signature"] !== undefined
  );
}

/** What verifying a request needs to know beside the request. */
export interface SignedExchange {
  registry: Registry;
  request: HttpRequest;
  settings: SignatureSettings;
  /** Who the other credentials of the request authenticate. */
  caller: Caller;
  takesArchive: boolean;
  /** Counts a request whose signature holds, before it is used up. */
  admit(signer: Actor): Promise<void>;
}

/**
 * Begins to verify a signed request, as far as its head goes.
 * @throws invalid_signature, stale_signature, replayed_request, unavailable
 */
export function beginCheck({ registry, request, settings, ...exchange }: SignedExchange): Promise<SignatureCheck> {
  const header = (name: string) => {
    const value = request.headers[name];
    return typeof value === "string" ? value : undefined;
  };
  const [apiKey, signature] = [header("x-api-key"), header("x-signature")];
  if (!settings.wholeKey && apiKey?.includes(".")) {
    throw new RegistryError("invalid_signature", {
      details: { "X-Api-Key": "send the public id only, up to the dot" },
    });
  }
  if (!settings.documented && signature !== undefined && !signature.startsWith("v2=")) {
    throw new RegistryError("invalid_signature", { details: { "X-Signature": "only profile v2 is taken here" } });
  }
  return registry.signatures.begin(exchange.caller, {
    method: request.method,
    url: settings.pathPrefix + request.url,
    ...{ apiKey, signature },
    timestamp: header("x-timestamp"),
    nonce: header("x-nonce"),
    contentSha256: header("x-content-sha256"),
    admit: exchange.admit,
    ...(exchange.takesArchive ? { bodyTimeMs: archiveTimeMs } : {}),
  });
}

/**
 * Verifies a request that has no body. One with a body is refused, also when it is signed: nobody would look at it, and what
 * nobody looks at can be moved there from another part.
 */
export async function verifyEmpty(request: HttpRequest, check: SignatureCheck): Promise<void> {
  const { "transfer-encoding": coding, "content-length": length } = request.headers;
  if (coding !== undefined || (length !== undefined && Number(length) !== 0) || request.parsedBody !== undefined) {
    throw new RegistryError("invalid_signature", { details: { body: "this route takes none" } });
  }
  await check.finish();
}

/**
 * Verifies a request whose body is small enough to be kept, and gives it back with the bytes that were verified.
 * @throws payload_too_large, incomplete_body, body_already_read, and what `check.finish` throws
 */
export async function verifyKept(
  request: HttpRequest,
  check: SignatureCheck,
  limits: BodyLimits,
): Promise<HttpRequest> {
  const { parsedBody, ...rest } = request;
  // A host that has collected the body as it was sent has lost nothing of it.
  const source = Buffer.isBuffer(parsedBody) ? { ...rest, body: Readable.from([parsedBody]) } : request;
  const bytes = await collect(source, limits, (chunk) => check.update(chunk));
  await check.finish();
  return { ...rest, body: Readable.from([bytes], { objectMode: false }) };
}

/** A request whose body is verified while it passes. */
export interface PassingBody {
  /** The request to go on with. Its body ends only when it was verified; one that does not verify breaks. */
  request: HttpRequest;
  /**
   * To be called when nobody wants more of the body. Until the signature is decided the rest is read all the same, so that a
   * wrong one is told from nothing else.
   * @throws invalid_signature and what else breaks the body, when the signature is not decided yet
   */
  settle(): Promise<void>;
}

/**
 * Verifies a body on its way to whoever reads it.
 * @throws payload_too_large for one that promises too much, body_already_read
 */
export function verifyPassing(
  request: HttpRequest,
  check: SignatureCheck,
  { maxBytes, pace }: BodyLimits,
): PassingBody {
  const exceededBy = sizeGuard(request, maxBytes);
  const passing = new Transform({
    highWaterMark: 256 * 1024,
    transform(chunk: Buffer, _encoding, done) {
      const failure = exceededBy(chunk);
      if (failure !== null) return done(failure);
      check.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      check.finish().then(() => done(), done);
    },
  });
  const ending = pipeline(rawBody(request, pace), passing);
  // Also when the body breaks before anybody reads it, or waits for its end.
  ending.catch(() => {});
  return {
    request: { ...request, body: passing },
    async settle() {
      passing.resume();
      if (!check.isAuthenticated) await ending;
    },
  };
}
