import type { Context } from "../context.ts";
import { listNeeding } from "../db/checks.ts";
import { toRowTime } from "../domain/times.ts";
import { RegistryError } from "../errors.ts";
import { type ArchiveInput, withStaged } from "./steps/staging.ts";
import { onStorage } from "./steps/storage-outage.ts";
import { storeStaged } from "./steps/stored.ts";
import { hasItsDigest } from "./upkeep/check-archives.ts";

/** What became of bytes that were to replace a stored archive. */
export interface HealedArchive {
  /** SHA-256 of the bytes in hexadecimal. */
  sha256: string;
  size: number;
  /** Whether the archive was missing or damaged, and is whole now; false: it was whole already. */
  isHealed: boolean;
}

/**
 * Takes the bytes of an archive, from a backup or from who built it, and puts them in the place of stored ones that are missing or
 * damaged. Their digest says which archive it is, so nothing else can get in this way. For the host only.
 * @throws version_not_found when no version needs these bytes; payload_too_large, incomplete_body, no_file, insufficient_storage,
 * unavailable
 */
export async function heal(ctx: Context, input: ArchiveInput): Promise<HealedArchive> {
  return withStaged(ctx, input, async (archive) => {
    const { sha256, size } = archive;
    const deletedBefore = toRowTime(ctx.clock.now() - ctx.limits.restoreWindowMs);
    const [needing] = await listNeeding(ctx.database.reader, sha256, { after: 0, deletedBefore, limit: 1 });
    if (needing === undefined) throw new RegistryError("version_not_found");
    const there = await onStorage(ctx, () => ctx.storage.stat(sha256));
    if (there?.size === size && (await hasItsDigest(ctx, sha256, size))) return { sha256, size, isHealed: false };
    // Never deleted first: of two who heal the same archive, one may be killed in between.
    await storeStaged(ctx, archive, { replaces: true });
    // A storage that claims to have taken bytes shows the damaged ones in the same size.
    if (!(await hasItsDigest(ctx, sha256, size))) {
      ctx.logger.error({ sha256 }, "the storage has not replaced a damaged archive");
      throw new RegistryError("unavailable");
    }
    return { sha256, size, isHealed: true };
  });
}
