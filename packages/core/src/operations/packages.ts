import type { Actor, Caller, Context } from "../context.ts";
import { listChangelogs } from "../db/changelogs.ts";
import { listDependencies, listDependents } from "../db/dependencies.ts";
import { listDownloadDays, listVersionDownloads } from "../db/downloads.ts";
import { indexPackage } from "../db/package-index.ts";
import { findPackageById, updatePackage } from "../db/packages.ts";
import { summarizeRatings } from "../db/ratings.ts";
import { updateDeclaredTexts } from "../db/versions.ts";
import { parseHome, parseText } from "../domain/manifest.ts";
import { toDay, toIso, toRowTime } from "../domain/times.ts";
import { RegistryError } from "../errors.ts";
import type { PackageInput } from "./releases.ts";
import { changeablePackage, readablePackage, requireRole, viewerOf } from "./steps/access.ts";
import { applyChange } from "./steps/change.ts";
import { parseReason } from "./steps/reasons.ts";

/** What a package says of itself as a whole. */
export interface PackageInfo {
  name: string;
  type: string;
  description: string;
  home: string;
  visibility: string;
  deprecation: string | null;
}

/** What to change; the rest stays. */
export interface UpdatePackageInput extends PackageInput {
  description?: unknown;
  /** An http or https address, or empty for none. */
  home?: unknown;
  /** `public` or `private`; for owners. */
  visibility?: unknown;
}

/**
 * Changes what a package and its latest version say of themselves, and who may see it.
 * @throws invalid_package, invalid_update, package_not_found, forbidden
 */
export async function update(ctx: Context, actor: Actor, input: UpdatePackageInput): Promise<PackageInfo> {
  const values = {
    ...(input.description === undefined ? {} : { description: parseText(input.description, "description", 1000) }),
    ...(input.home === undefined ? {} : { home: parseHome(input.home) }),
    ...(input.visibility === undefined ? {} : { visibility: parseVisibility(input.visibility) }),
  };
  const fields = Object.keys(values);
  if (fields.length === 0) throw new RegistryError("invalid_update", { details: { body: "name a field to change" } });
  const permission = values.visibility === undefined ? "edit" : "set_visibility";
  const requirement = { permission, forbidden: "forbidden" } as const;
  const target = await changeablePackage(ctx, actor, input.package, requirement);
  await applyChange(ctx, { action: "package.update", caller: actor, package: target, details: values }, async (tx) => {
    await requireRole(tx, actor, target.id, requirement);
    await updatePackage(tx, target.id, { ...values, update_time: toRowTime(ctx.clock.now()) });
    const [current] = await findPackageById(tx, { id: target.id });
    const latestId = current?.latest_version_id ?? null;
    if (latestId === null) return;
    const { description, home } = values;
    await updateDeclaredTexts(tx, latestId, { description, home });
    await indexPackage(tx, target.id, true);
  });
  return toInfo({ ...target, ...values });
}

/** Why a package should not be used any more. */
export interface DeprecateInput extends PackageInput {
  /** At most 1000 characters. */
  reason?: string | undefined;
}

/**
 * Warns of a whole package. It stays readable.
 * @throws package_not_found, forbidden
 */
export async function deprecate(ctx: Context, actor: Actor, input: DeprecateInput): Promise<void> {
  const deprecation = parseReason(input.reason) ?? "This package is deprecated";
  await setDeprecation(ctx, actor, { ...input, deprecation });
}

/**
 * Takes the warning of a whole package back.
 * @throws package_not_found, forbidden
 */
export async function undeprecate(ctx: Context, actor: Actor, input: PackageInput): Promise<void> {
  await setDeprecation(ctx, actor, { ...input, deprecation: null });
}

/** A package on the other end of a dependency, and the versions it is about. */
export interface Dependency {
  package: string;
  /** As npm writes ranges of versions. */
  range: string;
}

/**
 * What the latest version of a package depends on, by name.
 * @throws package_not_found
 */
export async function dependencies(ctx: Context, caller: Caller, input: PackageInput): Promise<Dependency[]> {
  const target = await readablePackage(ctx, caller, input.package);
  const rows = await listDependencies(ctx.database.reader, target.id);
  return rows.map(({ name, range }) => ({ package: name, range }));
}

/**
 * Which packages depend on this one, by name; at most 1000, only ones the caller may see.
 * @throws package_not_found
 */
export async function dependents(ctx: Context, caller: Caller, input: PackageInput): Promise<Dependency[]> {
  const target = await readablePackage(ctx, caller, input.package);
  const rows = await listDependents(ctx.database.reader, target.id, viewerOf(ctx, caller));
  return rows.map(({ name, range }) => ({ package: name, range }));
}

/** What changed with one version. */
export interface ChangelogEntry {
  version: string;
  changelog: string;
  /** ISO 8601, UTC. */
  createdAt: string;
}

/**
 * What changed with each version, newest by SemVer first; at most 100.
 * @throws package_not_found
 */
export async function changelog(ctx: Context, caller: Caller, input: PackageInput): Promise<ChangelogEntry[]> {
  const target = await readablePackage(ctx, caller, input.package);
  const rows = await listChangelogs(ctx.database.reader, target.id);
  return rows.map((row) => ({
    version: row.version,
    changelog: row.changelog ?? "",
    createdAt: toIso(row.created_at),
  }));
}

/** How much a package is used and liked. */
export interface PackageStats {
  downloads: number;
  versions: readonly { version: string; downloads: number }[];
  /** The last 90 days (UTC) on which there were any, oldest first. */
  days: readonly { day: string; downloads: number }[];
  ratings: { count: number; average: number | null };
}

const statsDays = 90;

/**
 * Downloads of a package in all, per version and per day, and its ratings. Downloads show some seconds late.
 * @throws package_not_found
 */
export async function stats(ctx: Context, caller: Caller, input: PackageInput): Promise<PackageStats> {
  const target = await readablePackage(ctx, caller, input.package);
  const since = toDay(ctx.clock.now() - (statsDays - 1) * 86_400_000);
  const db = ctx.database.reader;
  const versions = await listVersionDownloads(db, target.id);
  const days = await listDownloadDays(db, target.id, since);
  return {
    downloads: target.downloads_count,
    versions: versions.map(({ version, count }) => ({ version, downloads: count })),
    days: days.map(({ day, count }) => ({ day, downloads: count })),
    ratings: await summarizeRatings(db, target.id),
  };
}

async function setDeprecation(
  ctx: Context,
  actor: Actor,
  input: PackageInput & { deprecation: string | null },
): Promise<void> {
  const { deprecation } = input;
  const requirement = { permission: "deprecate", forbidden: "forbidden" } as const;
  const target = await changeablePackage(ctx, actor, input.package, requirement);
  const action = deprecation === null ? "package.undeprecate" : "package.deprecate";
  const details = deprecation === null ? {} : { reason: deprecation };
  await applyChange(ctx, { action, caller: actor, package: target, details }, async (tx) => {
    await requireRole(tx, actor, target.id, requirement);
    const is_deprecated = deprecation === null ? 0 : 1;
    await updatePackage(tx, target.id, { deprecation, is_deprecated, update_time: toRowTime(ctx.clock.now()) });
  });
}

function parseVisibility(value: unknown): "public" | "private" {
  if (value === "public" || value === "private") return value;
  throw new RegistryError("invalid_update", { details: { visibility: "public or private" } });
}

function toInfo(row: {
  name: string;
  type: string;
  description: string | null;
  home: string | null;
  visibility: string;
  deprecation: string | null;
}): PackageInfo {
  const { name, type, description, home, visibility, deprecation } = row;
  return { name, type, description: description ?? "", home: home ?? "", visibility, deprecation };
}
