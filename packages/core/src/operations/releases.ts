import type { Caller, Context } from "../context.ts";
import { listVisibleVersions } from "../db/versions.ts";
import { RegistryError } from "../errors.ts";
import { isForEverybody } from "./steps/access.ts";
import { latestFor, loadVersion, readHead, readPart, withGrant } from "./steps/reading.ts";
import { type Release, type ReleaseSummary, toSummary } from "./steps/views.ts";

/** Which package. */
export interface PackageInput {
  package: string;
}

/** Which version of which package. */
export interface VersionInput extends PackageInput {
  version: string;
}

/** A release, and whom the answer is for. */
export interface ResolvedRelease {
  release: Release;
  /** `shared`: the same for every client; `client`: depends on who asks, so no shared cache may keep it. */
  audience: "shared" | "client";
}

/**
 * Every version that readers see, newest by SemVer first.
 * @throws package_not_found when there is none, or the caller may not know of it
 */
export async function list(ctx: Context, caller: Caller, input: PackageInput): Promise<readonly ReleaseSummary[]> {
  const notFound = "package_not_found";
  const head = await readHead(ctx, caller, input.package, notFound);
  const load = async () => {
    const rows = await listVisibleVersions(ctx.database, { packageId: head.id });
    return Object.freeze(rows.map((row) => toSummary(head.name, row)));
  };
  const releases = await readPart(ctx, { caller, head, notFound }, ["list", load]);
  if (releases === undefined || releases.length === 0) throw new RegistryError("package_not_found");
  if (isForEverybody(ctx, head)) return releases;
  return releases.map((release) => withGrant(ctx, release));
}

/**
 * One version, active or yanked.
 * @throws version_not_found, and version_deleted for one that was there once
 */
export async function get(ctx: Context, caller: Caller, input: VersionInput): Promise<Release> {
  const notFound = "version_not_found";
  const head = await readHead(ctx, caller, input.package, notFound);
  const load = async () => {
    const row = await loadVersion(ctx, input);
    if (row?.status === "deleted") throw new RegistryError("version_deleted");
    return row?.release;
  };
  const release = await readPart(ctx, { caller, head, notFound }, [`version ${input.version}`, load]);
  if (release === undefined) throw new RegistryError("version_not_found");
  return isForEverybody(ctx, head) ? release : withGrant(ctx, release);
}

/**
 * The latest version for this caller: the highest stable one that is out for them, else the highest pre-release.
 * @throws package_not_found when there is none, or the caller may not know of the package
 */
export async function latest(ctx: Context, caller: Caller, input: PackageInput): Promise<Release> {
  return (await resolveLatest(ctx, caller, input)).release;
}

/**
 * The latest version for this caller, and whether others get the same answer.
 * @throws package_not_found
 */
export async function resolveLatest(ctx: Context, caller: Caller, input: PackageInput): Promise<ResolvedRelease> {
  const head = await readHead(ctx, caller, input.package, "package_not_found");
  const isPublic = isForEverybody(ctx, head);
  const release = head.rollouts === 0 ? head.latest : await latestFor(ctx, caller, head);
  if (release === null) throw new RegistryError("package_not_found");
  return {
    release: isPublic ? release : withGrant(ctx, release),
    audience: isPublic && head.rollouts === 0 ? "shared" : "client",
  };
}
