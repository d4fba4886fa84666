import { parsePublishYaml } from "../archive/publish-yaml.ts";
import type { Actor, Caller, Context, Origin } from "../context.ts";
import { findPackage } from "../db/packages.ts";
import { listWaiting, updateRefusal } from "../db/uploads.ts";
import { invalidPackage } from "../domain/names.ts";
import { grantHolds, grantPath, keyedUploadPath, type PathGrant } from "../domain/paths.ts";
import { may } from "../domain/permissions.ts";
import { allows } from "../domain/scopes.ts";
import { toIso } from "../domain/times.ts";
import { hashSecret } from "../domain/tokens.ts";
import { RegistryError } from "../errors.ts";
import { create, type OpenRelease } from "./publishing.ts";
import { list, type PackageInput } from "./releases.ts";
import { roleOf } from "./steps/access.ts";
import { actAsKey } from "./steps/key-actors.ts";
import type { ArchiveInput } from "./steps/staging.ts";
import type { ReleaseSummary } from "./steps/views.ts";
import { isPrivate } from "./steps/visibility.ts";
import { type PublishedArchive, receive } from "./uploads.ts";

/** What a client of the Serverless Devs protocol sends ahead of the archive. */
export interface OpenByManifestInput {
  /** Text of `publish.yaml`, which says the name, the version and all the rest. */
  publishYaml: string;
  /** Empty: taken from the archive. */
  readme?: string | undefined;
  /** Empty: taken from the archive. */
  changelog?: string | undefined;
}

/**
 * Opens a version by its `publish.yaml`. The upload path of the answer needs no credentials: whoever holds it sends the archive in the
 * name of the API key that opened the version, as long as that key lives and the upload is open.
 * @throws what `releases.create` throws; invalid_archive for a text that is no `publish.yaml`, invalid_token for an actor without API key
 */
export async function open(ctx: Context, actor: Actor, input: OpenByManifestInput): Promise<OpenRelease> {
  const [addressKey] = ctx.keys.addresses;
  const { apiKeyId } = actor;
  if (apiKeyId === null || addressKey === undefined) throw new RegistryError("invalid_token");
  const { name, version, effective, ...said } = parsePublishYaml(input.publishYaml);
  if (name === undefined) throw invalidPackage("name", "publish.yaml must say it");
  if (version === undefined) throw invalidPackage("version", "publish.yaml must say it");
  const opened = await create(ctx, actor, {
    ...said,
    ...{ package: name, version, visibility: isPrivate(effective) ? "private" : "public" },
    ...(input.readme ? { readme: input.readme } : {}),
    ...(input.changelog ? { changelog: input.changelog } : {}),
  });
  const path = keyedUploadPath(opened.uploadId, apiKeyId);
  const { expires, signature } = grantPath(addressKey, path, Date.parse(opened.uploadExpiresAt));
  return { ...opened, uploadPath: `${path}&expires=${expires}&signature=${signature}` };
}

/** An archive that comes to the address which {@link open} gave. */
export interface ReceiveByGrantInput extends ArchiveInput {
  uploadId: string;
  apiKeyId: string;
  grant: PathGrant;
}

/**
 * Takes the archive of a version that `open` opened. Why one is refused is remembered with the version: these clients do not read
 * the answer.
 * @throws invalid_upload also for an address that was changed or whose API key has ended, and what `uploads.receive` throws
 */
export async function receiveByGrant(
  ctx: Context,
  origin: Origin,
  input: ReceiveByGrantInput,
): Promise<PublishedArchive> {
  const { uploadId, apiKeyId, grant, ...archive } = input;
  const path = keyedUploadPath(uploadId, apiKeyId);
  if (!grantHolds(ctx.keys.addresses, path, grant, ctx.clock.now())) throw new RegistryError("invalid_upload");
  const actor = await actAsKey(ctx, apiKeyId, origin).catch((error: unknown) => {
    throw RegistryError.is(error) ? new RegistryError("invalid_upload", { cause: error }) : error;
  });
  try {
    return await receive(ctx, actor, { uploadId, ...archive });
  } catch (error) {
    if (RegistryError.is(error) && error.status < 500 && error.code !== "invalid_upload") {
      const refusal = JSON.stringify({ code: error.code, error: error.message, ...error.details });
      await ctx.database.write((tx) => updateRefusal(tx, hashSecret(uploadId), refusal));
    }
    throw error;
  }
}

/** A version that waits for its archive. */
export interface WaitingVersion {
  version: string;
  /** ISO 8601, UTC. */
  openedAt: string;
  expiresAt: string;
  /** Why the last archive was refused; null when none came. */
  refusal: Readonly<Record<string, unknown>> | null;
}

/** The versions of a package: those that readers see, and for who may publish those that wait. */
export interface History {
  releases: readonly ReleaseSummary[];
  waiting: readonly WaitingVersion[];
}

/**
 * Every version of a package that readers see, newest by SemVer first; for those who may publish also what waits for an archive.
 * @throws package_not_found when there is neither, or the caller may not know of it
 */
export async function history(ctx: Context, caller: Caller, input: PackageInput): Promise<History> {
  const waiting = await waitingOf(ctx, caller, input.package);
  try {
    return { releases: await list(ctx, caller, input), waiting };
  } catch (error) {
    if (waiting.length === 0 || !RegistryError.is(error, "package_not_found")) throw error;
    return { releases: [], waiting };
  }
}

async function waitingOf(ctx: Context, caller: Caller, name: string): Promise<WaitingVersion[]> {
  if (caller.kind !== "user" || !allows(caller.scopes, { action: "publish", package: name })) return [];
  const [target] = await findPackage(ctx.database, { name });
  if (target === undefined || !may(await roleOf(ctx.database, caller, target.id), "publish")) return [];
  const rows = await listWaiting(ctx.database.reader, target.id);
  return rows.map((row) => ({
    version: row.version,
    openedAt: toIso(row.created_at),
    expiresAt: toIso(row.expires_at),
    refusal: row.refusal === null ? null : JSON.parse(row.refusal),
  }));
}
