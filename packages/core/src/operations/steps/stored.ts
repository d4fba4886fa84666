import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "../../context.ts";
import { claimBlob, findBlob, touchBlob } from "../../db/blobs.ts";
import type { VersionRow } from "../../db/versions.ts";
import { toRowTime } from "../../domain/times.ts";
import { RegistryError } from "../../errors.ts";
import type { CommitOptions } from "../../ports/blob-storage.ts";
import type { Tx } from "../../ports/database.ts";
import type { StagedArchive } from "./staging.ts";
import { onStorage } from "./storage-outage.ts";

/** Which bytes, and how many. */
interface Archive {
  sha256: string;
  size: number;
}

/** An archive whose bytes are durable. */
export interface StoredArchive extends Archive {
  /** When the same bytes were swept, before these were stored; null when they were not. */
  goneSince: string | null;
  /** When it was claimed, in milliseconds; see {@link claimMs}. */
  claimedAt: number;
}

/**
 * For so long a claim holds. A sweep with a short grace may take the bytes after it, and remembers that it did for twice as long: nobody
 * may count on bytes of which the deletion may be forgotten.
 */
export const claimMs = 30 * 60_000;

/** How long bytes wait that come back while a sweep deletes them. */
const mostPolls = 100;
const pollMs = 50;

/**
 * Makes a staged archive durable. Bytes that are known already are claimed first, so that no sweep takes them meanwhile; where the storage
 * has lost them, or has others of another size, it gets them again.
 * @throws insufficient_storage, unavailable
 */
export async function storeStaged(
  ctx: Context,
  { staged, sha256, size }: StagedArchive,
  options?: CommitOptions,
): Promise<StoredArchive> {
  const claimedAt = ctx.clock.now();
  const goneSince = await claim(ctx, sha256);
  await onStorage(ctx, () => staged.commit(sha256, size, options));
  return { sha256, size, goneSince, claimedAt };
}

/** Since when the bytes are gone; null for those that are claimed now, or that no version referred to lately. */
async function claim(ctx: Context, sha256: string): Promise<string | null> {
  for (let polls = 0; ; polls += 1) {
    const [row] = await findBlob(ctx.database, { sha256 });
    if (row === undefined) return null;
    if (row.state === "gone") return row.touched_at;
    const touchedAt = toRowTime(ctx.clock.now());
    const isClaimed = row.state === "live" && (await ctx.database.write((tx) => claimBlob(tx, sha256, touchedAt)));
    if (isClaimed) return null;
    // Who deletes it may be under way: only when that is over do bytes stay that are stored now.
    if (polls === mostPolls) throw new RegistryError("unavailable");
    await delay(pollMs);
  }
}

/**
 * Notes, in the transaction that makes a version refer to an archive, that it does.
 * @throws unavailable when a sweep took the bytes since they were stored, or may have: sent again, they are stored again
 */
export async function requireStored({ clock }: Context, tx: Tx, archive: StoredArchive): Promise<void> {
  const { sha256, size, goneSince, claimedAt } = archive;
  const now = clock.now();
  const isHeld = now - claimedAt <= claimMs;
  const blob = { sha256, size, touched_at: toRowTime(now) };
  if (!isHeld || !(await touchBlob(tx, blob, goneSince))) throw new RegistryError("unavailable");
}

/** Whether the storage has an archive that a version refers to, by its size. */
export async function isStored(ctx: Context, { sha256, size }: Archive): Promise<boolean> {
  return (await onStorage(ctx, () => ctx.storage.stat(sha256)))?.size === size;
}

/**
 * Takes in once more what a version refers to already: stored again where the storage has lost it.
 * @throws insufficient_storage, unavailable
 */
export async function keepWhole(ctx: Context, archive: StagedArchive): Promise<void> {
  if (await isStored(ctx, archive)) return;
  const stored = await storeStaged(ctx, archive);
  await ctx.database.write((tx) => requireStored(ctx, tx, stored));
}

/** Notes that a version refers to its archive again; false when that was swept. */
export async function keepStored(ctx: Context, tx: Tx, { sha256, size }: VersionRow): Promise<boolean> {
  if (sha256 === null || size === null) return true;
  return touchBlob(tx, { sha256, size, touched_at: toRowTime(ctx.clock.now()) });
}
