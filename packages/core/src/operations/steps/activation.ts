import type { Inspection } from "../../archive/inspect.ts";
import { parsePublishYaml } from "../../archive/publish-yaml.ts";
import type { Actor, Context } from "../../context.ts";
import { hasChangelog, saveChangelog } from "../../db/changelogs.ts";
import { readSets, setNames } from "../../db/manifest-sets.ts";
import { refreshPackage } from "../../db/package-index.ts";
import { findPackageById, type PackageRow, updatePackage } from "../../db/packages.ts";
import { listVisibleVersions, moveVersion, type VersionRow } from "../../db/versions.ts";
import { type Manifest, parseHome } from "../../domain/manifest.ts";
import { nextStatus } from "../../domain/status.ts";
import { toRowTime } from "../../domain/times.ts";
import { RegistryError } from "../../errors.ts";
import type { Tx } from "../../ports/database.ts";
import { requireByteQuota } from "./quotas.ts";
import { requireStored, type StoredArchive } from "./stored.ts";
import { parseManifest } from "./views.ts";
import { isPrivate, notPrivateEnough } from "./visibility.ts";

/** A version whose archive is stored, about to become visible. */
export interface Activation {
  actor: Actor;
  version: VersionRow;
  archive: StoredArchive;
  inspection: Inspection;
}

/**
 * Makes a version visible: the one conditional write that turns `pending` into `active`, and all that follows from it, in the
 * caller's transaction. The archive's bytes must be durable before.
 * @returns whether it is the latest version now
 * @throws invalid_upload when the version is not pending any more, quota_exceeded, unavailable when a sweep has just taken the bytes
 */
export async function activate(ctx: Context, tx: Tx, activation: Activation): Promise<boolean> {
  const { actor, version, archive, inspection } = activation;
  const { sha256, size } = archive;
  const [target] = await findPackageById(tx, { id: version.package_id });
  const status = nextStatus(version.status, "publish");
  if (target === undefined || status === null) throw new RegistryError("invalid_upload");
  await requireByteQuota(ctx, tx, { actor, size });
  const now = toRowTime(ctx.clock.now());
  await requireStored(ctx, tx, archive);
  const declared = declaredBy(inspection);
  const named: Manifest = { ...declared.texts, ...parseManifest(version.manifest) };
  const taken = setNames.filter((name) => named[name] === undefined);
  const values = {
    ...{ sha256, size, published_at: now, published_by: actor.userId },
    manifest: JSON.stringify({ ...homeOf(target), ...(await readSets(tx, target.id, taken)), ...named }),
    description: version.description ?? target.description,
    readme: version.readme ?? inspection.documents.readme,
  };
  const moved = await moveVersion(tx, { id: version.id, from: version.status, to: status }, values);
  if (!moved) throw new RegistryError("invalid_upload");
  if (inspection.documents.changelog !== null && !(await hasChangelog(tx, version.id))) {
    await saveChangelog(tx, version.id, { changelog: inspection.documents.changelog, created_at: now });
  }
  if (declared.isPrivate) await updatePackage(tx, target.id, { visibility: "private" });
  const latest = await refreshPackage(tx, target.id, {
    nowMs: ctx.clock.now(),
    taken: { versionId: version.id, sets: taken },
  });
  return latest?.id === version.id;
}

function homeOf({ home }: PackageRow): Pick<Manifest, "home"> {
  return home === null ? {} : { home };
}

/**
 * Refuses an archive whose `publish.yaml` says that it is not for everybody, for a package that everybody reads already.
 * A package of which nothing shows yet becomes private with it.
 * @throws invalid_package
 */
export async function requireFittingVisibility(ctx: Context, packageId: number, inspection: Inspection): Promise<void> {
  if (!declaredBy(inspection).isPrivate) return;
  const [target] = await findPackageById(ctx.database, { id: packageId });
  if (target?.visibility !== "public") return;
  const [visible] = await listVisibleVersions(ctx.database, { packageId });
  if (visible !== undefined) throw notPrivateEnough();
}

/** What the archive's `publish.yaml` says where nobody said otherwise. One that cannot be read says nothing. */
function declaredBy(inspection: Inspection): { texts: Pick<Manifest, "home">; isPrivate: boolean } {
  const nothing = { texts: {}, isPrivate: false };
  if (inspection.documents.manifest === null) return nothing;
  try {
    const { home, effective } = parsePublishYaml(inspection.documents.manifest);
    return { texts: declaredHome(home), isPrivate: isPrivate(effective) };
  } catch (error) {
    if (RegistryError.is(error)) return nothing;
    throw error;
  }
}

/** A home page that is no address is left out. */
function declaredHome(home: string | undefined): Pick<Manifest, "home"> {
  try {
    return home === undefined ? {} : { home: parseHome(home) };
  } catch {
    return {};
  }
}
