import { Readable } from "node:stream";
import type { Context } from "../../context.ts";
import { RegistryError } from "../../errors.ts";
import type { ByteRange, OpenBlob } from "../../ports/blob-storage.ts";
import { exactLength } from "./exact-length.ts";
import { onStorage } from "./storage-outage.ts";

/** An archive that can be downloaded. */
export interface Archive {
  package: string;
  version: string;
  versionId: number;
  packageId: number;
  /** SHA-256 of the bytes in hexadecimal. */
  sha256: string;
  /** Size in bytes. */
  size: number;
  /** File name to offer: made of checked parts only. */
  fileName: string;
  /** `shared`: anybody may have it; `client`: only who was let in. */
  audience: "shared" | "client";
}

/** An archive that is open for reading. */
export interface OpenArchive extends Archive, Omit<OpenBlob, "size"> {
  /** The same bytes, where they are in memory; shared, so nobody may change them. `body` may then be left alone. */
  bytes?: Buffer;
}

/** What part of an archive, and whether it counts as a download. */
export interface OpenOptions {
  range?: ByteRange | undefined;
  /** Default: whole archives count, ranges do not. */
  count?: boolean;
}

/** Opens an archive; see `LocatedArchive.open`. */
export async function openArchive(ctx: Context, archive: Archive, { range, count }: OpenOptions): Promise<OpenArchive> {
  if (range !== undefined) requireInside(archive, range);
  const opened = (await openSmall(ctx, archive, range)) ?? (await openStream(ctx, archive, range));
  if (count ?? range === undefined) ctx.downloads.count(archive.versionId, archive.packageId);
  return opened;
}

/** The path at which the proxy sends it; see `LocatedArchive.handOver`. */
export async function handOver(ctx: Context, archive: Archive, { range, count }: OpenOptions): Promise<string> {
  if (range !== undefined) requireInside(archive, range);
  const found = await onStorage(ctx, () => ctx.storage.stat(archive.sha256));
  requireWhole(ctx, archive, found);
  const path = ctx.storage.internalPath?.(archive.sha256);
  if (path === undefined) throw new RegistryError("unavailable");
  if (count ?? range === undefined) ctx.downloads.count(archive.versionId, archive.packageId);
  return path;
}

/**
 * Sees that a blob is there, in its size.
 * @throws version_not_found, unavailable
 */
function requireWhole<T extends { size: number }>(
  { logger }: Context,
  archive: Archive,
  blob: T | null,
): asserts blob is T {
  const told = toldOf(archive);
  if (blob === null) {
    logger.error(told, "archive is missing");
    throw new RegistryError("version_not_found");
  }
  if (blob.size === archive.size) return;
  logger.error({ ...told, expected: archive.size, found: blob.size }, "archive is damaged");
  throw new RegistryError("unavailable");
}

function toldOf({ sha256, package: name, version }: Archive) {
  return { sha256, package: name, version };
}

function requireInside({ size }: Archive, { start, end }: ByteRange): void {
  if (start >= 0 && start <= end && end < size) return;
  throw new RegistryError("range_not_satisfiable", { details: { size } });
}

async function openSmall(ctx: Context, archive: Archive, range?: ByteRange): Promise<OpenArchive | null> {
  const whole = await onStorage(ctx, async () => ctx.storage.readSmall?.(archive.sha256, archive.size) ?? null);
  if (whole === null || whole.length !== archive.size) return null;
  const bytes = range === undefined ? whole : whole.subarray(range.start, range.end + 1);
  return {
    ...archive,
    bytes,
    // Made for those who ask; what they get is theirs.
    get body() {
      return Readable.from([Buffer.from(bytes)], { objectMode: false });
    },
  };
}

async function openStream(ctx: Context, archive: Archive, range?: ByteRange): Promise<OpenArchive> {
  const blob = await onStorage(ctx, () => ctx.storage.open(archive.sha256, range));
  if (blob !== null && blob.size !== archive.size) blob.body.destroy();
  requireWhole(ctx, archive, blob);
  const length = range === undefined ? archive.size : range.end - range.start + 1;
  const body = blob.body.exactBytes === length ? blob.body : exactLength(blob.body, length);
  body.once("error", (error: NodeJS.ErrnoException) => {
    // A reader who goes away is no failure of the storage's.
    if (error.code === "ERR_STREAM_PREMATURE_CLOSE") return;
    ctx.logger.error({ ...toldOf(archive), err: error }, "archive broke off while it was read");
  });
  return { ...archive, body };
}

/** An address at which the storage serves it; see `LocatedArchive.redirect`. */
export async function signAddress(ctx: Context, { sha256, fileName, versionId, packageId }: Archive): Promise<string> {
  const wanted = { expiresInMs: ctx.limits.signedPathTtlMs, fileName };
  const url = await onStorage(ctx, async () => ctx.storage.signedUrl?.(sha256, wanted));
  if (url === undefined) throw new RegistryError("unavailable");
  ctx.downloads.count(versionId, packageId);
  return url;
}
