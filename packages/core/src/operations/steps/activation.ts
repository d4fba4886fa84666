import type { Inspection } from "../../archive/inspect.ts";
import { parsePublishYaml } from "../../archive/publish-yaml.ts";
import type { Actor, Context } from "../../context.ts";
import { touchBlob } from "../../db/blobs.ts";
import { hasChangelog, saveChangelog } from "../../db/changelogs.ts";
import { readSets, replaceSets, setNames } from "../../db/manifest-sets.ts";
import { indexPackage, refreshLatest } from "../../db/package-index.ts";
import { updatePackage } from "../../db/packages.ts";
import { moveVersion, type VersionRow } from "../../db/versions.ts";
import { type Manifest, parseHome } from "../../domain/manifest.ts";
import { nextStatus } from "../../domain/status.ts";
import { toRowTime } from "../../domain/times.ts";
import { RegistryError } from "../../errors.ts";
import type { Tx } from "../../ports/database.ts";
import { parseManifest } from "./views.ts";

/** A version whose archive is stored, about to become visible. */
export interface Activation {
  actor: Actor;
  version: VersionRow;
  sha256: string;
  size: number;
  inspection: Inspection;
  /** Ids of the packages its manifest depends on. */
  dependencyIds: ReadonlyMap<string, number>;
}

/**
 * Makes a version visible: the one conditional write that turns `pending` into `active`, and all that follows from it, in the
 * caller's transaction. The archive's bytes must be durable before.
 * @throws invalid_upload when the version is not pending any more
 */
export async function activate(ctx: Context, tx: Tx, activation: Activation): Promise<void> {
  const { actor, version, sha256, size, inspection } = activation;
  const status = nextStatus(version.status, "publish");
  const now = toRowTime(ctx.clock.now());
  await touchBlob(tx, { sha256, size, touched_at: now });
  const named = withDeclaredHome(parseManifest(version.manifest), inspection);
  const inherited = await readSets(
    tx,
    version.package_id,
    setNames.filter((name) => named[name] === undefined),
  );
  const manifest = { ...inherited, ...named };
  const moved =
    status !== null &&
    (await moveVersion(
      tx,
      { id: version.id, from: version.status, to: status },
      {
        ...{ sha256, size, published_at: now, published_by: actor.userId, manifest: JSON.stringify(manifest) },
        readme: version.readme ?? inspection.documents.readme,
      },
    ));
  if (!moved) throw new RegistryError("invalid_upload");
  if (inspection.documents.changelog !== null && !(await hasChangelog(tx, version.id))) {
    await saveChangelog(tx, version.id, { changelog: inspection.documents.changelog, created_at: now });
  }
  const latestId = await refreshLatest(tx, version.package_id, ctx.clock.now());
  if (latestId === version.id) {
    // What the latest version names is what the package says from now on.
    await replaceSets(tx, version.package_id, named, activation.dependencyIds);
    await updatePackage(tx, version.package_id, {
      ...(version.description === null ? {} : { description: version.description }),
      ...(named.home === undefined ? {} : { home: named.home }),
    });
  }
  await indexPackage(tx, version.package_id, latestId !== null);
}

/** The home page that the archive's `publish.yaml` names, where the publisher named none; one that is no address is left out. */
function withDeclaredHome(manifest: Manifest, inspection: Inspection): Manifest {
  if (manifest.home !== undefined || inspection.documents.manifest === null) return manifest;
  try {
    const { home } = parsePublishYaml(inspection.documents.manifest);
    return home === undefined ? manifest : { ...manifest, home: parseHome(home) };
  } catch (error) {
    if (RegistryError.is(error)) return manifest;
    throw error;
  }
}
