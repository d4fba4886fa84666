import { Readable } from "node:stream";
import type { Caller, Context } from "../context.ts";
import { findPackage } from "../db/packages.ts";
import { findVersion } from "../db/versions.ts";
import { grantHolds, type PathGrant, zipballPath } from "../domain/paths.ts";
import { isVisible } from "../domain/status.ts";
import { RegistryError } from "../errors.ts";
import type { ByteRange, OpenBlob } from "../ports/blob-storage.ts";
import type { VersionInput } from "./releases.ts";
import { isForEverybody, mayRead } from "./steps/access.ts";
import { exactLength } from "./steps/exact-length.ts";
import { onStorage } from "./steps/storage-outage.ts";

/** Which archive. */
export interface ArchiveLocator extends VersionInput {
  /** Proof from a signed address, for private packages. */
  grant?: PathGrant | undefined;
}

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

/**
 * The archive of an active or yanked version, without opening it.
 * @throws version_not_found, and version_deleted for one that was there once
 */
export async function locate(ctx: Context, caller: Caller, input: ArchiveLocator): Promise<LocatedArchive> {
  const found = await ctx.cache.read(input.package, `archive ${input.version}`, () => load(ctx, input));
  if (found === undefined) throw new RegistryError("version_not_found");
  const { packageId, visibility, archive } = found;
  const isPublic = isForEverybody(ctx, { visibility });
  if (
    !isPublic &&
    !hasGrant(ctx, input) &&
    !(await mayRead(ctx, caller, { id: packageId, name: input.package, visibility }))
  ) {
    throw new RegistryError("version_not_found");
  }
  if (archive === null) throw new RegistryError("version_deleted");
  const located: Archive = { ...archive, audience: isPublic ? "shared" : "client" };
  return {
    ...located,
    open: (options = {}) => openArchive(ctx, located, options),
    ...(ctx.storage.internalPath && { handOver: (options = {}) => handOver(ctx, located, options) }),
    ...(ctx.policy.redirectDownloads && { redirect: () => signAddress(ctx, located) }),
  };
}

/** An archive that the caller may open. */
export interface LocatedArchive extends Archive {
  /**
   * Opens it. The caller reads or destroys the `body`.
   * @throws version_not_found when the bytes are missing, unavailable when they are damaged or the storage fails,
   * range_not_satisfiable when `range` does not lie inside the archive
   */
  open(options?: OpenOptions): Promise<OpenArchive>;
  /**
   * Makes an address at which the storage serves the whole archive to anybody, for `limits.signedPathTtlMs`; that counts as a
   * download. Left out where the registry streams (option `download`).
   * @throws unavailable when the storage fails
   */
  redirect?(): Promise<string>;
  /**
   * Lets the proxy in front of the registry send it, or what part of it the client asks for: the path for `X-Accel-Redirect`. Counts as
   * opening does. Left out where the storage names no such paths.
   * @throws version_not_found when the bytes are missing, unavailable when they are too few or too many, or the storage fails
   */
  handOver?(options?: OpenOptions): Promise<string>;
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

/**
 * Opens an archive. The caller reads or destroys its `body`.
 * @throws version_not_found, version_deleted, unavailable, range_not_satisfiable
 */
export async function open(ctx: Context, caller: Caller, input: ArchiveLocator & OpenOptions): Promise<OpenArchive> {
  return (await locate(ctx, caller, input)).open(input);
}

async function openArchive(ctx: Context, archive: Archive, { range, count }: OpenOptions): Promise<OpenArchive> {
  if (range !== undefined) requireInside(archive, range);
  const opened = (await openSmall(ctx, archive, range)) ?? (await openStream(ctx, archive, range));
  if (count ?? range === undefined) ctx.downloads.count(archive.versionId, archive.packageId);
  return opened;
}

async function handOver(ctx: Context, archive: Archive, { range, count }: OpenOptions): Promise<string> {
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

async function signAddress(ctx: Context, { sha256, fileName, versionId, packageId }: Archive): Promise<string> {
  const wanted = { expiresInMs: ctx.limits.signedPathTtlMs, fileName };
  const url = await onStorage(ctx, async () => ctx.storage.signedUrl?.(sha256, wanted));
  if (url === undefined) throw new RegistryError("unavailable");
  ctx.downloads.count(versionId, packageId);
  return url;
}

interface FoundArchive {
  packageId: number;
  visibility: string;
  /** Null for a version that was there once. */
  archive: Omit<Archive, "audience"> | null;
}

async function load(ctx: Context, input: VersionInput): Promise<FoundArchive | undefined> {
  const [target] = await findPackage(ctx.database, { name: input.package });
  if (target === undefined) return undefined;
  const [row] = await findVersion(ctx.database, { packageId: target.id, version: input.version });
  const found = { packageId: target.id, visibility: target.visibility };
  if (row?.status === "deleted") return { ...found, archive: null };
  if (row === undefined || !isVisible(row.status) || row.sha256 === null || row.size === null) return undefined;
  const archive = {
    package: target.name,
    version: row.version,
    versionId: row.id,
    packageId: target.id,
    sha256: row.sha256,
    size: row.size,
    fileName: `${target.name}-${row.version}.zip`.replace(/[^A-Za-z0-9._+-]/g, "_"),
  };
  return { ...found, archive };
}

function hasGrant(ctx: Context, { grant, ...input }: ArchiveLocator): boolean {
  if (grant === undefined) return false;
  return grantHolds(ctx.keys.addresses, zipballPath(input.package, input.version), grant, ctx.clock.now());
}
