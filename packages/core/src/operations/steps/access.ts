import type { Actor, Caller, Context } from "../../context.ts";
import { findRole } from "../../db/maintainers.ts";
import { findPackage, type PackageRow } from "../../db/packages.ts";
import { findVersion, listVisibleVersions, type VersionRow } from "../../db/versions.ts";
import type { Viewer } from "../../db/viewers.ts";
import { knownRole, may, type Permission, type Role } from "../../domain/permissions.ts";
import { actionOf, allows, covers } from "../../domain/scopes.ts";
import { type ErrorCode, RegistryError } from "../../errors.ts";
import type { Tx } from "../../ports/database.ts";
import { isAdminStill } from "./credentials.ts";
import { requireScope } from "./scopes.ts";

/** The role of a caller in a package, or null. */
export async function roleOf(
  source: Context["database"] | Tx,
  caller: Caller,
  packageId: number,
): Promise<Role | null> {
  if (caller.kind !== "user") return null;
  const [row] = await findRole(source, { packageId, userId: caller.userId });
  return row === undefined ? null : knownRole(row.role);
}

/** True for packages that anybody may read without saying who they are. */
export function isForEverybody(ctx: Context, target: { visibility: string }): boolean {
  return target.visibility === "public" && ctx.policy.readAccess === "public";
}

/** True for callers to whom lists that go over all packages show anything. */
export function mayList(ctx: Context, caller: Caller): boolean {
  return ctx.policy.readAccess === "public" || (caller.kind === "user" && allows(caller.scopes, { action: "read" }));
}

/** True for callers who may know what all public packages together say, such as how many have a label. */
export function mayCount(ctx: Context, caller: Caller): boolean {
  if (ctx.policy.readAccess === "public") return true;
  return mayList(ctx, caller) && caller.kind === "user" && (caller.scopes?.packages.includes("*") ?? true);
}

/** For whom lists are made when this caller asks. */
export function viewerOf(ctx: Context, caller: Caller): Viewer {
  if (caller.kind !== "user" || !allows(caller.scopes, { action: "read" })) return null;
  if (caller.isAdmin) return "everything";
  const { userId, scopes } = caller;
  return { userId, names: scopes?.packages ?? null, seesPublic: ctx.policy.readAccess === "public" };
}

/** What deciding about a package needs to know of it. */
export interface ReadTarget {
  id: number;
  name: string;
  visibility: string;
}

/** True when the caller may read the package: everybody may, or they may and their credential is good for reading it. */
export async function mayRead(ctx: Context, caller: Caller, target: ReadTarget): Promise<boolean> {
  if (isForEverybody(ctx, target)) return true;
  if (caller.kind !== "user" || !allows(caller.scopes, { action: "read", package: target.name })) return false;
  return belongs(ctx, caller, target);
}

/** True when the user, leaving their credential aside, may know that the package exists. */
async function belongs(ctx: Context, actor: Actor, target: ReadTarget): Promise<boolean> {
  if (target.visibility === "public" || actor.isAdmin) return true;
  return may(await roleOf(ctx.database, actor, target.id), "read");
}

/**
 * The package of this name, if the caller may read it: it shows a version, or the caller belongs to it.
 * @throws package_not_found or the given code
 */
export async function readablePackage(
  ctx: Context,
  caller: Caller,
  name: string,
  notFound: ErrorCode = "package_not_found",
): Promise<PackageRow> {
  const [row] = await findPackage(ctx.database, { name });
  if (row === undefined || !(await mayRead(ctx, caller, row))) throw new RegistryError(notFound);
  if (row.latest_version_id === null && !(await isKnownTo(ctx, caller, row))) throw new RegistryError(notFound);
  return row;
}

/** A package that shows nothing (any more) is known to its members, to administrators, and as long as a version is yanked only. */
async function isKnownTo(ctx: Context, caller: Caller, { id, name }: ReadTarget): Promise<boolean> {
  if (caller.kind === "user" && allows(caller.scopes, { action: "read", package: name })) {
    if (caller.isAdmin || (await roleOf(ctx.database, caller, id)) !== null) return true;
  }
  return (await listVisibleVersions(ctx.database, { packageId: id })).length > 0;
}

/** What a change asks of the caller, and what they are told otherwise. */
export interface Requirement {
  permission: Permission;
  forbidden: ErrorCode;
  notFound?: ErrorCode;
}

/**
 * The package of this name, if the actor may do this to it and their credential is good for it. A package whose existence
 * the actor may not know is not found.
 * @throws package_not_found or `notFound`, insufficient_scope, and `forbidden`
 */
export async function changeablePackage(
  ctx: Context,
  actor: Actor,
  name: string,
  requirement: Requirement,
): Promise<PackageRow> {
  const [row] = await findPackage(ctx.database, { name });
  const isHidden = row === undefined || !(isForEverybody(ctx, row) || covers(actor.scopes, name));
  if (isHidden || !(await belongs(ctx, actor, row))) {
    throw new RegistryError(requirement.notFound ?? "package_not_found");
  }
  requireScope(actor, { action: actionOf[requirement.permission], package: name });
  await requireRole(ctx.database, actor, row.id, requirement);
  return row;
}

/**
 * Checks again, inside the transaction that makes the change: a role that was taken away meanwhile does not count.
 * @throws `forbidden` of the requirement
 */
export async function requireRole(
  source: Context["database"] | Tx,
  actor: Actor,
  packageId: number,
  requirement: Requirement,
): Promise<void> {
  if (!may(await roleOf(source, actor, packageId), requirement.permission)) {
    throw new RegistryError(requirement.forbidden);
  }
}

/**
 * Checks inside the transaction that makes the change that the actor is an administrator still.
 * @throws forbidden
 */
export async function requireAdmin(tx: Tx, actor: Actor): Promise<void> {
  if (!(await isAdminStill(tx, actor))) throw new RegistryError("forbidden");
}

/**
 * A version of a package, whatever its status.
 * @throws version_not_found
 */
export async function requireVersion(
  source: Context["database"] | Tx,
  packageId: number,
  version: string,
): Promise<VersionRow> {
  const [row] = await findVersion(source, { packageId, version });
  if (row === undefined) throw new RegistryError("version_not_found");
  return row;
}
