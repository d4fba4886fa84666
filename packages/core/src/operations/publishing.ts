import { parsePublishYaml } from "../archive/publish-yaml.ts";
import type { Actor, Context } from "../context.ts";
import { insertUpload } from "../db/uploads.ts";
import { findVersion, findVersionById } from "../db/versions.ts";
import { invalidPackage } from "../domain/names.ts";
import { uploadPath } from "../domain/paths.ts";
import { isVisible } from "../domain/status.ts";
import { toIso, toRowTime } from "../domain/times.ts";
import { hashSecret, newUploadId } from "../domain/tokens.ts";
import { parseVersion } from "../domain/versions.ts";
import { RegistryError } from "../errors.ts";
import type { VersionInput } from "./releases.ts";
import { activate } from "./steps/activation.ts";
import { applyChange } from "./steps/change.ts";
import { findPublishable, openVersion } from "./steps/opening.ts";
import { requireByteQuota, requireUploadQuota } from "./steps/quotas.ts";
import { parseRelease, type ReleaseInput } from "./steps/release-input.ts";
import { requireGrantedBytes, requireScope } from "./steps/scopes.ts";
import { showChanged } from "./steps/showing.ts";
import { type ArchiveInput, inspectStaged, withStaged } from "./steps/staging.ts";
import { keepWhole, storeStaged } from "./steps/stored.ts";
import { type Release, toRelease } from "./steps/views.ts";
import { isPrivate } from "./steps/visibility.ts";

/** A version that waits for its archive. */
export interface OpenRelease {
  /** The version as it will show; its `zipball` is the upload path until the archive has come. */
  release: Release;
  /** Secret that lets its user send the archive. Shown once. */
  uploadId: string;
  /** Path below the registry's address to send the archive to. */
  uploadPath: string;
  /** ISO 8601, UTC. */
  uploadExpiresAt: string;
}

/**
 * Opens a version of a package, new or known, for its archive. A version that still waits, or whose upload expired or was
 * refused, is opened anew. Whoever opens the first version of a new name owns the package.
 * @throws insufficient_scope, invalid_package, release_forbidden, name_taken, type_conflict, version_exists, quota_exceeded
 */
export async function create(ctx: Context, actor: Actor, input: ReleaseInput): Promise<OpenRelease> {
  const fields = await parseRelease(ctx, actor, input);
  requireScope(actor, { action: "publish", package: fields.package, version: fields.version });
  const known = await findPublishable(ctx, actor, fields.package);
  const uploadId = newUploadId();
  const request = {
    action: "release.open",
    caller: actor,
    package: { id: known?.id ?? null, name: fields.package },
    version: fields.version,
  } as const;
  return applyChange(ctx, request, async (tx, notes) => {
    const { target, versionId, row } = await openVersion(ctx, tx, { actor, fields, notes });
    const now = ctx.clock.now();
    const expires_at = toRowTime(now + ctx.limits.uploadTtlMs);
    const created_at = toRowTime(now);
    const id_hash = hashSecret(uploadId);
    await requireUploadQuota(ctx, tx, actor);
    await insertUpload(tx, { id_hash, version_id: versionId, user_id: actor.userId, created_at, expires_at });
    const release = toRelease(target, { ...row, published_at: null, sha256: null, size: null, yank_reason: null });
    return {
      release: { ...release, zipball: uploadPath(uploadId) },
      uploadId,
      uploadPath: uploadPath(uploadId),
      uploadExpiresAt: toIso(expires_at),
    };
  });
}

/** A version and its archive in one call. What it says of itself comes from `publish.yaml` in the archive. */
export interface PublishInput extends VersionInput, ArchiveInput {}

/**
 * Publishes a version in one call: the archive is taken in and inspected, then the version is opened and made visible in one
 * transaction. The same bytes for a version that is published already succeed again.
 * @throws what `create` and `uploads.receive` throw; invalid_package when `publish.yaml` names another package or version
 */
export async function publish(ctx: Context, actor: Actor, input: PublishInput): Promise<Release> {
  requireScope(actor, { action: "publish", package: input.package, version: input.version });
  const known = await findPublishable(ctx, actor, input.package);
  parseVersion(input.version);
  await requireByteQuota(ctx, ctx.database.reader, { actor, size: input.expectedSize ?? 0 });
  await withStaged(ctx, input, async (archive) => {
    requireGrantedBytes(actor, archive.sha256);
    const inspection = await inspectStaged(ctx, archive);
    if (known !== undefined && (await isPublished(ctx, known.id, input.version, archive.sha256))) {
      return keepWhole(ctx, archive);
    }
    const fields = await parseRelease(ctx, actor, toReleaseInput(input, inspection.documents.manifest));
    const stored = await storeStaged(ctx, archive);
    const { sha256, size } = archive;
    const request = {
      action: "release.publish",
      caller: actor,
      package: { id: known?.id ?? null, name: fields.package },
      version: fields.version,
      details: { sha256, size, entries: inspection.entries },
    } as const;
    await applyChange(ctx, request, async (tx, notes) => {
      const { versionId } = await openVersion(ctx, tx, { actor, fields, notes });
      const [version] = await findVersionById(tx, { id: versionId });
      if (version === undefined) throw new RegistryError("version_not_found");
      notes.details.isLatest = await activate(ctx, tx, { actor, version, archive: stored, inspection });
    });
  });
  return showChanged(ctx, actor, input);
}

async function isPublished(ctx: Context, packageId: number, version: string, sha256: string): Promise<boolean> {
  const [row] = await findVersion(ctx.database, { packageId, version });
  return row !== undefined && isVisible(row.status) && row.sha256 === sha256;
}

function toReleaseInput(input: PublishInput, publishYaml: string | null): ReleaseInput {
  const target = { package: input.package, version: input.version };
  if (publishYaml === null) return target;
  const { name, version, effective, ...rest } = parsePublishYaml(publishYaml);
  if (name !== undefined && name !== input.package) throw invalidPackage("name", `publish.yaml says ${name}`);
  if (version !== undefined && version !== input.version)
    throw invalidPackage("version", `publish.yaml says ${version}`);
  const visibility = isPrivate(effective) ? "private" : "public";
  return { ...rest, ...target, visibility };
}
