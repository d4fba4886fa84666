import type { Actor, Context } from "../../context.ts";
import { saveChangelog } from "../../db/changelogs.ts";
import { saveRole } from "../../db/maintainers.ts";
import { findPackage, findPackageByKey, insertPackage, type PackageRow } from "../../db/packages.ts";
import { findVersionByKey, insertVersion, moveVersion, type NewVersion } from "../../db/versions.ts";
import type { PackageType } from "../../domain/manifest.ts";
import { foldName } from "../../domain/names.ts";
import { nextStatus } from "../../domain/status.ts";
import { toRowTime } from "../../domain/times.ts";
import { isPrerelease, versionKey } from "../../domain/versions.ts";
import { RegistryError } from "../../errors.ts";
import type { Tx } from "../../ports/database.ts";
import { type Requirement, requireRole } from "./access.ts";
import type { ChangeNotes } from "./change.ts";
import type { ReleaseFields } from "./release-input.ts";
import { notPrivateEnough } from "./visibility.ts";

/** What publishing asks for, in the documented words. */
export const publishRequirement: Requirement = { permission: "publish", forbidden: "release_forbidden" };

/** What opening a version works with. */
export interface Opening {
  actor: Actor;
  fields: ReleaseFields;
  notes: ChangeNotes;
}

/** Makes the package if it is new, and the pending row of the version; inside the caller's transaction. */
export async function openVersion(
  ctx: Context,
  tx: Tx,
  { actor, fields, notes }: Opening,
): Promise<{ target: Pick<PackageRow, "id" | "name" | "type" | "deprecation">; versionId: number; row: NewVersion }> {
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
  const versionId = await savePending(ctx, tx, row);
  await saveChangelog(tx, versionId, { changelog: fields.changelog ?? "", created_at: row.created_at });
  return { target, versionId, row };
}

async function openPackage(
  ctx: Context,
  tx: Tx,
  { actor, fields, notes }: Opening,
): Promise<Pick<PackageRow, "id" | "name" | "type" | "deprecation">> {
  const [known] = await findPackage(tx, { name: fields.package });
  if (known !== undefined) {
    await requireRole(tx, actor, known.id, publishRequirement);
    if (fields.visibility === "private" && known.visibility === "public") {
      throw notPrivateEnough();
    }
    notes.packageId = known.id;
    return known;
  }
  const name_key = foldName(fields.package);
  const similar = await findPackageByKey(tx, name_key);
  if (similar !== undefined) throw new RegistryError("name_taken");
  const type: PackageType = fields.type ?? "project";
  const id = await insertPackage(tx, {
    name: fields.package,
    name_key,
    type,
    visibility: fields.visibility ?? "public",
    create_time: toRowTime(ctx.clock.now()),
  }).catch((error: unknown) => {
    if (ctx.database.isUniqueViolation(error)) throw new RegistryError("name_taken", { cause: error });
    throw error;
  });
  await saveRole(tx, id, actor.userId, "owner");
  notes.packageId = id;
  notes.details.created = true;
  return { id, name: fields.package, type, deprecation: null };
}

async function savePending(ctx: Context, tx: Tx, row: NewVersion): Promise<number> {
  const taken = await findVersionByKey(tx, row.package_id, row.version_key ?? "");
  if (taken === undefined) {
    return insertVersion(tx, row).catch((error: unknown) => {
      if (ctx.database.isUniqueViolation(error)) throw new RegistryError("version_exists", { cause: error });
      throw error;
    });
  }
  const isTwin = taken.version !== row.version;
  const status = isTwin ? null : nextStatus(taken.status, "reopen");
  if (status === null) {
    const hint = isTwin ? `${taken.version} differs in build metadata only` : `this version is ${taken.status}`;
    throw new RegistryError("version_exists", { details: { version: hint } });
  }
  const moved = await moveVersion(tx, { id: taken.id, from: taken.status, to: status }, row);
  if (!moved) throw new RegistryError("version_exists");
  return taken.id;
}
