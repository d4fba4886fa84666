import type { Actor, Context } from "../context.ts";
import { closeUpload, completeUpload, findUpload, type UploadRow, updateRefusal } from "../db/uploads.ts";
import { findVersionById, moveVersion } from "../db/versions.ts";
import { allows, covers } from "../domain/scopes.ts";
import { isVisible, nextStatus } from "../domain/status.ts";
import { fromRowTime, toIso } from "../domain/times.ts";
import { hashSecret, looksLikeUploadId } from "../domain/tokens.ts";
import { RegistryError } from "../errors.ts";
import { requireRole } from "./steps/access.ts";
import { activate, requireFittingVisibility } from "./steps/activation.ts";
import { applyChange } from "./steps/change.ts";
import { publishRequirement } from "./steps/opening.ts";
import { requireByteQuota } from "./steps/quotas.ts";
import { requireGrantedBytes, requireScope } from "./steps/scopes.ts";
import { type ArchiveInput, digestOf, inspectStaged, withStaged } from "./steps/staging.ts";
import { isStored, keepWhole, type StoredArchive, storeStaged } from "./steps/stored.ts";

/** Which upload. */
export interface UploadInput {
  uploadId: string;
}

/** The archive that an open upload waits for. */
export interface ReceiveInput extends UploadInput, ArchiveInput {}

/** A version that has become visible. */
export interface PublishedArchive {
  package: string;
  version: string;
  /** SHA-256 of the archive in hexadecimal. */
  sha256: string;
  /** Size of the archive in bytes. */
  size: number;
}

/**
 * Takes the archive of an open version and makes the version visible, all or nothing. Sending the same bytes to the same id
 * again succeeds again, so that a lost answer can be repeated.
 * @throws invalid_upload for an id that is unknown, somebody else's, expired, or used for other bytes; release_forbidden when
 * the right to publish was taken away meanwhile; insufficient_scope, also for other bytes than a grant is good for; invalid_archive, payload_too_large, incomplete_body, no_file;
 * invalid_package when the archive's `publish.yaml` says private and the package is public
 */
export async function receive(ctx: Context, actor: Actor, input: ReceiveInput): Promise<PublishedArchive> {
  const upload = await requireUpload(ctx, actor, input.uploadId);
  requireScope(actor, { action: "publish", package: upload.package, version: upload.version });
  if (upload.completed_sha256 !== null) return repeat(ctx, upload, input);
  requireOpen(ctx, upload);
  await requireRole(ctx.database, actor, upload.package_id, publishRequirement);
  await requireByteQuota(ctx, ctx.database.reader, { actor, size: input.expectedSize ?? 0 });
  return withStaged(ctx, input, async (archive) => {
    requireGrantedBytes(actor, archive.sha256);
    const inspection = await inspectStaged(ctx, archive).catch((error: unknown) => keepRefusal(ctx, upload, error));
    await requireFittingVisibility(ctx, upload.package_id, inspection);
    const stored = await storeStaged(ctx, archive);
    return publish(ctx, { actor, upload, archive: stored, inspection });
  });
}

interface Publication {
  actor: Actor;
  upload: UploadRow;
  archive: StoredArchive;
  inspection: Awaited<ReturnType<typeof inspectStaged>>;
}

async function publish(ctx: Context, { actor, upload, archive, inspection }: Publication): Promise<PublishedArchive> {
  const { sha256, size } = archive;
  const request = {
    action: "release.publish",
    caller: actor,
    package: { id: upload.package_id, name: upload.package },
    version: upload.version,
    details: { sha256, size, entries: inspection.entries },
  } as const;
  await applyChange(ctx, request, async (tx, notes) => {
    await requireRole(tx, actor, upload.package_id, publishRequirement);
    if (!(await completeUpload(tx, upload.id_hash, sha256))) throw new RegistryError("invalid_upload");
    const [version] = await findVersionById(tx, { id: upload.version_id });
    if (version === undefined) throw new RegistryError("invalid_upload");
    notes.details.isLatest = await activate(ctx, tx, { actor, version, archive, inspection });
  });
  return { package: upload.package, version: upload.version, sha256, size };
}

/**
 * Bytes for an upload that has been completed: the same ones succeed again, others are refused. They are kept only where the storage has
 * lost them.
 */
async function repeat(ctx: Context, upload: UploadRow, input: ArchiveInput): Promise<PublishedArchive> {
  const [version] = await findVersionById(ctx.database, { id: upload.version_id });
  const { sha256 = null, size = null } = version ?? {};
  const isLost = sha256 !== null && size !== null && !(await isStored(ctx, { sha256, size }));
  const requireSame = (sent: string) => {
    const shows = version !== undefined && sha256 === sent && isVisible(version.status);
    if (!shows || sent !== upload.completed_sha256) throw new RegistryError("invalid_upload");
    return { package: upload.package, version: upload.version, sha256: sent, size: size ?? 0 };
  };
  if (!isLost) return requireSame(await digestOf(ctx, input.body));
  return withStaged(ctx, input, async (archive) => {
    const published = requireSame(archive.sha256);
    await keepWhole(ctx, archive);
    return published;
  });
}

/** Where an upload stands. */
export interface UploadState {
  package: string;
  version: string;
  state: "open" | "completed" | "expired" | "closed";
  /** ISO 8601, UTC. */
  expiresAt: string;
  /** Digest of what was accepted; null before. */
  sha256: string | null;
  /** Why the last archive was refused; null when none was. */
  refusal: Readonly<Record<string, unknown>> | null;
}

/**
 * Where an upload of the actor's stands. A credential with limits must be good for publishing or reading the package.
 * @throws invalid_upload, insufficient_scope
 */
export async function get(ctx: Context, actor: Actor, input: UploadInput): Promise<UploadState> {
  const upload = await requireUpload(ctx, actor, input.uploadId);
  const { package: name, version } = upload;
  const mayPublish = allows(actor.scopes, { action: "publish", package: name, version });
  if (!mayPublish) requireScope(actor, { action: "read", package: name });
  return {
    package: name,
    version,
    state: stateOf(ctx, upload),
    expiresAt: toIso(upload.expires_at),
    sha256: upload.completed_sha256,
    refusal: upload.refusal === null ? null : JSON.parse(upload.refusal),
  };
}

/**
 * Gives an open upload up; the version can be opened anew.
 * @throws invalid_upload when it is not open
 */
export async function cancel(ctx: Context, actor: Actor, input: UploadInput): Promise<void> {
  const upload = await requireUpload(ctx, actor, input.uploadId);
  const request = {
    action: "upload.cancel",
    caller: actor,
    package: { id: upload.package_id, name: upload.package },
    version: upload.version,
  } as const;
  await applyChange(ctx, request, async (tx) => {
    const status = nextStatus(upload.status, "reject");
    const closed = status !== null && (await closeUpload(tx, upload.id_hash));
    const moved = closed && (await moveVersion(tx, { id: upload.version_id, from: upload.status, to: status }));
    if (!moved) throw new RegistryError("invalid_upload");
  });
}

async function requireUpload(ctx: Context, actor: Actor, uploadId: string): Promise<UploadRow> {
  const upload = looksLikeUploadId(uploadId) ? await findUpload(ctx.database, hashSecret(uploadId)) : undefined;
  const isTheirs = upload?.user_id === actor.userId && covers(actor.scopes, upload.package, upload.version);
  if (!isTheirs) throw new RegistryError("invalid_upload");
  return upload;
}

function requireOpen(ctx: Context, upload: UploadRow): void {
  if (stateOf(ctx, upload) !== "open" || upload.status !== "pending") throw new RegistryError("invalid_upload");
}

function stateOf(ctx: Context, upload: UploadRow): UploadState["state"] {
  if (upload.completed_sha256 !== null) return "completed";
  if (upload.closed === 1) return "closed";
  return (fromRowTime(upload.expires_at) ?? 0) <= ctx.clock.now() ? "expired" : "open";
}

/** A refused archive is remembered for whoever asks about the upload; clients exist that do not look at the answer. */
async function keepRefusal(ctx: Context, upload: UploadRow, error: unknown): Promise<never> {
  if (RegistryError.is(error, "invalid_archive")) {
    const refusal = JSON.stringify({ code: error.code, ...error.details });
    await ctx.database.write((tx) => updateRefusal(tx, upload.id_hash, refusal));
  }
  throw error;
}
