import { createHash } from "node:crypto";
import { pipeline } from "node:stream/promises";
import type { Context } from "../../context.ts";
import { pardonBlob } from "../../db/blob-deletions.ts";
import { findBlob, listBlobRows, type NotedBlob, type ReferencedBlob, touchBlob } from "../../db/blobs.ts";
import { listNeeded, listNeeding, type NeededArchive } from "../../db/checks.ts";
import { toRowTime } from "../../domain/times.ts";
import type { StoredBlob } from "../../ports/blob-storage.ts";
import { onStorage } from "../steps/storage-outage.ts";
import type { CheckedPage, FsckCode, FsckWork } from "./fsck-work.ts";
import { doomMs, isUnknown, removeOrphan } from "./unneeded-blobs.ts";

const flatPageRows = 500;
/** Each is read from its first byte to its last: hundreds would keep whoever watches waiting. */
const deepPageRows = 50;
const namedVersions = 200;

/** What is known of one digest. */
interface Known {
  needed?: NeededArchive;
  noted?: NotedBlob;
  stored?: StoredBlob;
}

/** Goes through versions, rows of blobs and the storage side by side, in the order of digests. */
export async function checkArchives(work: FsckWork, after: string): Promise<CheckedPage> {
  const { ctx, deep, signal } = work;
  const pageRows = deep ? deepPageRows : flatPageRows;
  const { reader } = ctx.database;
  // In this order: bytes are stored before their row is written, and that together with the version's.
  const needed = await listNeeded(reader, after, { deletedBefore: restorableSince(ctx), limit: pageRows });
  const noted = await listBlobRows(reader, after, pageRows);
  const stored = await onStorage(ctx, () => ctx.storage.list(after === "" ? null : after, pageRows));
  const ends = [needed.at(pageRows - 1)?.sha256, noted.at(pageRows - 1)?.sha256, stored.at(pageRows - 1)?.digest];
  const [through = null] = ends.filter((end) => end !== undefined).sort();
  const known = new Map<string, Known>();
  const add = (digest: string, what: Known) => {
    if (through === null || digest <= through) known.set(digest, { ...known.get(digest), ...what });
  };
  for (const one of needed) add(one.sha256, { needed: one });
  for (const one of noted) add(one.sha256, { noted: one });
  for (const one of stored) add(one.digest, { stored: one });
  let [checked, place] = [0, after];
  for (const digest of [...known.keys()].sort()) {
    if (signal?.aborted) return { checked, next: place };
    await checkDigest(work, digest, known.get(digest) ?? {});
    checked += 1;
    place = digest;
  }
  return { checked, next: through };
}

function restorableSince(ctx: Context): string {
  return toRowTime(ctx.clock.now() - ctx.limits.restoreWindowMs);
}

async function checkDigest(work: FsckWork, digest: string, { needed, noted, stored }: Known): Promise<void> {
  if (needed === undefined) {
    const isKnown = noted !== undefined && noted.state !== "gone";
    if (stored !== undefined && !isKnown) await checkOrphan(work, stored);
    return;
  }
  const fault = await findFault(work, needed, stored);
  if (fault !== null) return tellVersions(work, digest, fault);
  if (noted?.state === "live") return;
  const [now] = await findBlob(work.ctx.database, { sha256: digest });
  if (now?.state === "live") return;
  const size = needed.most ?? stored?.size ?? 0;
  const blob = { sha256: digest, size, touched_at: toRowTime(work.ctx.clock.now()) };
  const isMended = work.repair && (await noteAgain(work.ctx, blob, now));
  const detail = "versions need it, and sweeps do not know";
  work.found({ code: "blob_unnoted", package: null, version: null, sha256: digest, detail, isMended });
}

/** Notes that a blob is needed; false when a sweep may be about to delete it. */
async function noteAgain(
  { clock, database }: Context,
  blob: ReferencedBlob,
  row: { state: string; touched_at: string } | undefined,
): Promise<boolean> {
  if (row?.state !== "doomed") return database.write((tx) => touchBlob(tx, blob, row?.touched_at));
  if (row.touched_at >= toRowTime(clock.now() - doomMs)) return false;
  return database.write((tx) => pardonBlob(tx, blob, row.touched_at));
}

interface Fault {
  code: FsckCode;
  detail: string;
}

/** What is wrong with the stored bytes, as the storage has listed them; null for nothing. */
async function findFault(
  { ctx, deep }: FsckWork,
  { sha256, least, most }: NeededArchive,
  listed: StoredBlob | undefined,
): Promise<Fault | null> {
  const fits = ({ size }: { size: number }) => least === most && (most === null || size === most);
  // A page tells of hundreds at once. Only what it does not show as it should be is asked for by itself.
  const found = listed !== undefined && fits(listed) ? listed : await onStorage(ctx, () => ctx.storage.stat(sha256));
  if (found === null) return { code: "archive_missing", detail: "its bytes are not there" };
  if (!fits(found)) {
    return { code: "archive_damaged", detail: `has ${found.size} bytes and not ${most}` };
  }
  if (!deep) return null;
  try {
    if (await hasItsDigest(ctx, sha256, found.size)) return null;
  } catch {
    // Away or broken: asked once more, a storage that is away fails again.
    await onStorage(ctx, () => ctx.storage.stat(sha256));
    return { code: "archive_unreadable", detail: "its bytes could not be read" };
  }
  return { code: "archive_damaged", detail: "its bytes have another digest" };
}

/**
 * Whether the stored bytes are those that their name stands for.
 * @throws unavailable when they could not be read, which says nothing of them
 */
export async function hasItsDigest(ctx: Context, sha256: string, sizeBytes: number): Promise<boolean> {
  const hash = createHash("sha256");
  // As a range: a storage compares the digest of what is read whole, and its failure could be either.
  const range = sizeBytes > 0 ? { start: 0, end: sizeBytes - 1 } : undefined;
  const isThere = await onStorage(ctx, async () => {
    const blob = await ctx.storage.open(sha256, range);
    if (blob !== null) await pipeline(blob.body, hash);
    return blob !== null;
  });
  return isThere && hash.digest("hex") === sha256;
}

async function tellVersions({ ctx, found }: FsckWork, sha256: string, { code, detail }: Fault): Promise<void> {
  let after = 0;
  for (;;) {
    const options = { after, deletedBefore: restorableSince(ctx), limit: namedVersions };
    const page = await listNeeding(ctx.database.reader, sha256, options);
    for (const row of page)
      found({ code, package: row.package, version: row.version, sha256, detail, isMended: false });
    const last = page.at(-1);
    if (last === undefined || page.length < namedVersions) return;
    after = last.id;
  }
}

async function checkOrphan({ ctx, repair, graceMs, found }: FsckWork, stored: StoredBlob): Promise<void> {
  const { digest, size } = stored;
  if (stored.touchedAt >= ctx.clock.now() - graceMs) return;
  if (!(await isUnknown(ctx, stored))) return;
  const isMended = repair && (await removeOrphan({ ctx, graceMs }, stored));
  const detail = `${size} bytes that nobody knows`;
  found({ code: "blob_orphaned", package: null, version: null, sha256: digest, detail, isMended });
}
