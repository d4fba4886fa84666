import type { Caller, Context } from "../../context.ts";
import { findPackage, findPackageWithLatest } from "../../db/packages.ts";
import { listRollouts } from "../../db/rollouts.ts";
import { findVersion, type VersionSummaryRow } from "../../db/versions.ts";
import { grantPath } from "../../domain/paths.ts";
import { takesPart } from "../../domain/rollout.ts";
import { isVisible } from "../../domain/status.ts";
import { byLatest } from "../../domain/versions.ts";
import { RegistryError } from "../../errors.ts";
import { isForEverybody, mayRead } from "./access.ts";
import { type Release, type ReleaseSummary, toLatestRelease, toRelease } from "./views.ts";

/** What is kept of a package for reading. */
export interface PackageHead {
  id: number;
  name: string;
  type: string;
  deprecation: string | null;
  visibility: string;
  rollouts: number;
  latestKey: { prerelease: number; versionKey: string } | null;
  latestRollout: number;
  latest: Release | null;
}

/** The latest version of a package of which some versions are out for a part of the clients only. */
export async function latestFor(ctx: Context, caller: Caller, head: PackageHead): Promise<Release | null> {
  const clientId = clientOf(ctx, caller);
  const reading = { caller, head, notFound: "package_not_found" } as const;
  const rows = await readPart(ctx, reading, ["rollouts", () => listRollouts(ctx.database, { packageId: head.id })]);
  const version = pickForClient(head, rows ?? [], clientId);
  if (version === null) return null;
  if (version === "latest") return head.latest;
  const load = async () => (await loadVersion(ctx, { package: head.name, version }))?.release;
  return (await readPart(ctx, reading, [`version ${version}`, load])) ?? null;
}

/** What deciding about *latest* needs to know of a package. */
export interface RolloutFacts {
  latestKey: { prerelease: number; versionKey: string } | null;
  /** Share of the clients the stored latest version is out for. */
  latestRollout: number;
}

/** The version that is latest for a client: "latest" stands for the stored one; null when none is out for them. */
export function pickForClient(
  facts: RolloutFacts,
  rollouts: readonly VersionSummaryRow[],
  clientId: string | null,
): string | "latest" | null {
  const candidates = rollouts
    .filter((row) => row.version_key !== null && takesPart(row.id, clientId, row.grayscale))
    .map((row) => ({ version: row.version, prerelease: row.prerelease, versionKey: row.version_key ?? "" }));
  if (facts.latestKey !== null && facts.latestRollout >= 1) candidates.push({ version: "latest", ...facts.latestKey });
  return candidates.sort(byLatest)[0]?.version ?? null;
}

/** The stable id that decides on which side of a rollout a caller is, or null to leave them out. */
export function clientOf(ctx: Context, caller: Caller): string | null {
  if (caller.clientId !== undefined) return `client:${caller.clientId}`;
  if (caller.kind === "user") return `user:${caller.userId}`;
  return ctx.policy.anonymousRollouts && caller.address !== undefined ? `address:${caller.address}` : null;
}

/**
 * A package as readers see it, if the caller may know of it.
 * @throws the given code
 */
export async function readHead(
  ctx: Context,
  caller: Caller,
  name: string,
  notFound: "package_not_found" | "version_not_found",
): Promise<PackageHead> {
  const head =
    ctx.cache.recall<PackageHead>(name, "head") ?? (await ctx.cache.read(name, "head", () => loadHead(ctx, name)));
  if (head === undefined) throw new RegistryError(notFound);
  if (isForEverybody(ctx, head) || (await mayRead(ctx, caller, head))) return head;
  throw new RegistryError(notFound);
}

/** A package that was found for a caller, and what they are told when they may not know of it. */
export interface Reading {
  caller: Caller;
  head: PackageHead;
  notFound: "package_not_found" | "version_not_found";
}

/**
 * A part of what is kept of a package. One that comes fresh from the database may be younger than the head, which another
 * instance may have made private since: then it is decided anew whether the caller may read it.
 * @throws the given code
 */
export async function readPart<T extends object>(
  ctx: Context,
  { caller, head, notFound }: Reading,
  [part, load]: readonly [name: string, load: () => Promise<T | undefined>],
): Promise<T | undefined> {
  const kept = ctx.cache.recall<T>(head.name, part);
  if (kept !== undefined) return kept;
  return ctx.cache.read(head.name, part, async () => {
    try {
      return await load();
    } finally {
      const [row] = await findPackage(ctx.database, { name: head.name });
      if (row?.visibility !== head.visibility) {
        ctx.cache.forget(head.name);
        await readHead(ctx, caller, head.name, notFound);
      }
    }
  });
}

/** A version and, for those that show, what it says. The package is read anew: a head that was kept may be older. */
export async function loadVersion(
  ctx: Context,
  input: { package: string; version: string },
): Promise<{ status: string; release: Release | undefined } | undefined> {
  const [target] = await findPackage(ctx.database, { name: input.package });
  if (target === undefined) return undefined;
  const [row] = await findVersion(ctx.database, { packageId: target.id, version: input.version });
  if (row === undefined) return undefined;
  return { status: row.status, release: isVisible(row.status) ? toRelease(target, row) : undefined };
}

async function loadHead(ctx: Context, name: string): Promise<PackageHead | undefined> {
  const [row] = await findPackageWithLatest(ctx.database, { name });
  if (row === undefined) return undefined;
  const { id, type, deprecation, visibility, rollouts } = row;
  const latestKey = row.version_key === null ? null : { prerelease: row.prerelease ?? 0, versionKey: row.version_key };
  return {
    ...{ id, name, type, deprecation, visibility, rollouts, latestKey },
    latestRollout: row.grayscale ?? 1,
    latest: toLatestRelease(row),
  };
}

/** The same release with an archive address that works by itself for a while, for packages not everybody may read. */
export function withGrant<T extends Pick<ReleaseSummary, "zipball">>(ctx: Context, release: T): T {
  const [key] = ctx.keys.addresses;
  if (key === undefined) return release;
  const grant = grantPath(key, release.zipball, ctx.clock.now() + ctx.limits.signedPathTtlMs);
  return Object.freeze({
    ...release,
    zipball: `${release.zipball}?expires=${grant.expires}&signature=${grant.signature}`,
  });
}
