import type { Actor, Context } from "../../context.ts";
import { saveChangelog } from "../../db/changelogs.ts";
import { lockPackage } from "../../db/locks.ts";
import { saveRole } from "../../db/maintainers.ts";
import { findPackage, findPackageById, findPackageByKey, insertPackage, type PackageRow } from "../../db/packages.ts";
import { closeUploads } from "../../db/uploads.ts";
import { findVersionByKey, insertVersion, moveVersion, type NewVersion } from "../../db/versions.ts";
import type { PackageType } from "../../domain/manifest.ts";
import { foldName, parsePackageName } from "../../domain/names.ts";
import { may } from "../../domain/permissions.ts";
import { nextStatus } from "../../domain/status.ts";
import { toRowTime } from "../../domain/times.ts";
import { isPrerelease, versionKey } from "../../domain/versions.ts";
import { RegistryError } from "../../errors.ts";
import type { Tx } from "../../ports/database.ts";
import { type Requirement, roleOf } from "./access.ts";
import type { ChangeNotes } from "./change.ts";
import { requirePackageQuota } from "./quotas.ts";
import type { ReleaseFields } from "./release-input.ts";
import { notPrivateEnough } from "./visibility.ts";

/** What publishing asks for, in the documented words. */
export const publishRequirement: Requirement = { permission: "publish", forbidden: "release_forbidden" };

/**
 * The package of this name that the actor may publish to; undefined for a name that is free.
 * @throws release_forbidden, invalid_package, and name_taken when another package looks like it
 */
export async function findPublishable(ctx: Context, actor: Actor, name: string): Promise<PackageRow | undefined> {
  const known = (await findPackage(ctx.database, { name }))[0] ?? (await findMade(ctx, name));
  if (known !== undefined) await requireMayPublish(ctx.database, actor, known);
  return known;
}

/** A package that came about since it was looked for. */
async function findMade(ctx: Context, name: string): Promise<PackageRow | undefined> {
  const similar = await findPackageByKey(ctx.database.reader, foldName(parsePackageName(name)));
  if (similar === undefined) return undefined;
  if (similar.name !== name) throw new RegistryError("name_taken");
  return (await findPackage(ctx.database, { name }))[0];
}

/** To whom a package is hidden it is no more than a name that looks too much like another one. */
async function requireMayPublish(source: Context["database"] | Tx, actor: Actor, target: PackageRow): Promise<void> {
  const role = await roleOf(source, actor, target.id);
  if (may(role, publishRequirement.permission)) return;
  const isHidden = target.visibility === "private" && !may(role, "read") && !actor.isAdmin;
  throw new RegistryError(isHidden ? "name_taken" : publishRequirement.forbidden);
}

/** What opening a version works with. */
export interface Opening {
  actor: Actor;
  fields: ReleaseFields;
  notes: ChangeNotes<"release.open" | "release.publish">;
}

/** Makes the package if it is new, and the pending row of the version, whose earlier uploads are closed; inside the caller's transaction. */
export async function openVersion(
  ctx: Context,
  tx: Tx,
  { actor, fields, notes }: Opening,
): Promise<{ target: OpenedPackage; versionId: number; row: NewVersion }> {
  const target = await openPackage(ctx, tx, { actor, fields, notes });
  if (fields.type !== undefined && fields.type !== target.type) {
    throw new RegistryError("type_conflict", { details: { type: `this package is a ${target.type}` } });
  }
  const row: NewVersion = {
    package_id: target.id,
    version: fields.version,
    version_key: versionKey(fields.version),
    prerelease: isPrerelease(fields.version) ? 1 : 0,
    edition: fields.edition,
    description: fields.description,
    readme: fields.readme,
    grayscale: fields.rollout,
    manifest: JSON.stringify(fields.manifest),
    created_at: toRowTime(ctx.clock.now()),
    status: "pending",
  };
  const { id: versionId, isReopened } = await savePending(ctx, tx, row);
  const changelog = fields.changelog ?? "";
  if (isReopened) await closeUploads(tx, { versionId });
  if (isReopened || changelog !== "") await saveChangelog(tx, versionId, { changelog, created_at: row.created_at });
  return { target, versionId, row };
}

type OpenedPackage = Pick<PackageRow, "id" | "name" | "type" | "deprecation">;

async function openPackage(ctx: Context, tx: Tx, opening: Opening): Promise<OpenedPackage> {
  const { actor, fields, notes } = opening;
  const [known] = await findPackage(tx, { name: fields.package });
  if (known !== undefined) return openKnown(tx, opening, known);
  const name_key = foldName(fields.package);
  const similar = await findPackageByKey(tx, name_key);
  if (similar !== undefined) return openMade(tx, opening);
  await requirePackageQuota(ctx, tx, actor);
  const type: PackageType = fields.type ?? "project";
  const row = {
    name: fields.package,
    name_key,
    type,
    visibility: fields.visibility ?? "public",
    create_time: toRowTime(ctx.clock.now()),
    created_by: actor.userId,
  };
  let id: number;
  try {
    id = await insertPackage(tx, row);
  } catch (error) {
    if (!ctx.database.isUniqueViolation(error)) throw error;
    return openMade(tx, opening);
  }
  await saveRole(tx, id, actor.userId, "owner");
  notes.packageId = id;
  notes.details.created = true;
  return { id, name: fields.package, type, deprecation: null };
}

/** Opens the package that somebody, perhaps the same user, has made a moment ago, unless it is another one much like it. */
async function openMade(tx: Tx, opening: Opening): Promise<OpenedPackage> {
  const [made] = await findPackage(tx, { name: opening.fields.package });
  if (made === undefined) throw new RegistryError("name_taken");
  return openKnown(tx, opening, made);
}

async function openKnown(tx: Tx, { actor, fields, notes }: Opening, found: PackageRow): Promise<OpenedPackage> {
  let known = found;
  if (notes.packageId === null) {
    // Made after the change began, so that nobody has locked it yet.
    await lockPackage(tx, found.id);
    [known = found] = await findPackageById(tx, { id: found.id });
  }
  await requireMayPublish(tx, actor, known);
  if (fields.visibility === "private" && known.visibility === "public") throw notPrivateEnough();
  notes.packageId = known.id;
  return known;
}

async function savePending(ctx: Context, tx: Tx, row: NewVersion): Promise<{ id: number; isReopened: boolean }> {
  const taken = await findVersionByKey(tx, row.package_id, row.version_key ?? "");
  if (taken === undefined) {
    const id = await insertVersion(tx, row).catch((error: unknown) => {
      if (ctx.database.isUniqueViolation(error)) throw new RegistryError("version_exists", { cause: error });
      throw error;
    });
    return { id, isReopened: false };
  }
  const isTwin = taken.version !== row.version;
  const status = isTwin ? null : nextStatus(taken.status, "reopen");
  if (status === null) {
    const hint = isTwin ? `${taken.version} differs in build metadata only` : `this version is ${taken.status}`;
    throw new RegistryError("version_exists", { details: { version: hint } });
  }
  const moved = await moveVersion(tx, { id: taken.id, from: taken.status, to: status }, row);
  if (!moved) throw new RegistryError("version_exists");
  return { id: taken.id, isReopened: true };
}
