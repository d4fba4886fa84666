import { createHash } from "node:crypto";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { smallArchiveBytes } from "../../archive/byte-reader.ts";
import { type Inspection, inspectArchive } from "../../archive/inspect.ts";
import type { Context } from "../../context.ts";
import { RegistryError } from "../../errors.ts";
import type { StagedBlob } from "../../ports/blob-storage.ts";
import { onStorage, storageOutage } from "./storage-outage.ts";

/** An archive on its way in. */
export interface ArchiveInput {
  /** The zip's bytes. Read once, to its end. */
  body: Readable;
  /** Bytes to come, when the sender promised a number. */
  expectedSize?: number | undefined;
}

/** An archive that lies in the staging area, counted and hashed. */
export interface StagedArchive {
  staged: StagedBlob;
  sha256: string;
  size: number;
  /** All of the bytes, where they are few. */
  bytes: Buffer | null;
}

/**
 * Takes an archive in, then hands it to `use`. Whatever happens, nothing stays behind that was not committed.
 * @throws payload_too_large, incomplete_body, no_file for an empty body, insufficient_storage, unavailable
 */
export async function withStaged<T>(
  ctx: Context,
  input: ArchiveInput,
  use: (archive: StagedArchive) => Promise<T>,
): Promise<T> {
  if ((input.expectedSize ?? 0) > ctx.limits.uploadBytes) throw tooLarge(ctx);
  const staged = await onStorage(ctx, () => ctx.storage.stage(input.expectedSize));
  try {
    const meter = countAndHash(ctx);
    await pipeline(input.body, meter.stream, staged.writable).catch((error: unknown) => {
      throw isOfSource(error, input.body) ? translateStreamError(error) : storageOutage(ctx, error);
    });
    const size = meter.size();
    if (size === 0) throw new RegistryError("no_file");
    if (input.expectedSize !== undefined && size !== input.expectedSize) throw new RegistryError("incomplete_body");
    return await use({ staged, size, sha256: meter.digest(), bytes: meter.bytes() });
  } finally {
    // What stays behind is swept later: no reason to call a published version a failure.
    await staged.discard().catch((error: unknown) => {
      ctx.logger.warn({ err: error }, "a staged archive was not removed");
    });
  }
}

/** Looks into a staged archive; only so many at a time. */
export function inspectStaged(ctx: Context, archive: StagedArchive): Promise<Inspection> {
  return ctx.inspections.run(() =>
    onStorage(ctx, () => inspectArchive(archive.bytes ?? archive.staged.path, ctx.limits.archive)),
  );
}

/**
 * Reads a body to its end for its digest alone.
 * @throws payload_too_large, incomplete_body
 */
export async function digestOf(ctx: Context, body: Readable): Promise<string> {
  const meter = countAndHash(ctx);
  try {
    await pipeline(body, meter.stream, async (source) => {
      for await (const _ of source);
    });
  } catch (error) {
    throw translateStreamError(error);
  }
  return meter.digest();
}

/** Pieces that are kept apart: each costs far more than a byte, and the sender says how small they are. */
const mostPieces = 1024;

interface Meter {
  stream: Transform;
  size(): number;
  digest(): string;
  bytes(): Buffer | null;
}

/** Counts and hashes what passes, and keeps it while it is little: then nobody needs to read it back. */
function countAndHash(ctx: Context): Meter {
  const hash = createHash("sha256");
  let kept: Buffer[] = [];
  let size = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > ctx.limits.uploadBytes) return done(tooLarge(ctx));
      hash.update(chunk);
      if (size > smallArchiveBytes) kept = [];
      else if (kept.push(chunk) === mostPieces) kept = [Buffer.concat(kept)];
      done(null, chunk);
    },
  });
  const bytes = () => (size <= smallArchiveBytes ? Buffer.concat(kept) : null);
  return { stream, size: () => size, digest: () => hash.digest("hex"), bytes };
}

function tooLarge(ctx: Context): RegistryError {
  return new RegistryError("payload_too_large", { details: { maxBytes: ctx.limits.uploadBytes } });
}

/** True for what went wrong with the sender's stream and not with ours. */
function isOfSource(error: unknown, body: Readable): boolean {
  return body.errored === error || RegistryError.is(error) || isCutOff(error);
}

function isCutOff(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ERR_STREAM_PREMATURE_CLOSE" || code === "ECONNRESET" || code === "ABORT_ERR";
}

/** A sender who goes away is not a defect of ours. */
function translateStreamError(error: unknown): unknown {
  return isCutOff(error) ? new RegistryError("incomplete_body", { cause: error }) : error;
}
