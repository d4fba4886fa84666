import type { Caller, Context } from "../context.ts";
import { findPackage } from "../db/packages.ts";
import { findVersion } from "../db/versions.ts";
import { grantHolds, type PathGrant, zipballPath } from "../domain/paths.ts";
import { isVisible } from "../domain/status.ts";
import { RegistryError } from "../errors.ts";
import type { VersionInput } from "./releases.ts";
import { isForEverybody, mayRead } from "./steps/access.ts";
import {
  type Archive,
  handOver,
  type OpenArchive,
  type OpenOptions,
  openArchive,
  signAddress,
} from "./steps/archive-bytes.ts";

export type { Archive, OpenArchive, OpenOptions } from "./steps/archive-bytes.ts";

/** Which archive. */
export interface ArchiveLocator extends VersionInput {
  /** Proof from a signed address, for private packages. */
  grant?: PathGrant | undefined;
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

/**
 * Opens an archive. The caller reads or destroys its `body`.
 * @throws version_not_found, version_deleted, unavailable, range_not_satisfiable
 */
export async function open(ctx: Context, caller: Caller, input: ArchiveLocator & OpenOptions): Promise<OpenArchive> {
  return (await locate(ctx, caller, input)).open(input);
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
