import { setImmediate as nextTurn } from "node:timers/promises";
import type { Context } from "../../context.ts";
import {
  type BlobDeadlines,
  deleteGone,
  doomBlob,
  findBlobPageEnd,
  listSpentBlobs,
  markGone,
  type SpentBlob,
} from "../../db/blob-deletions.ts";
import { insertFoundBlobs, listUnknownBlobs } from "../../db/blobs.ts";
import { toRowTime } from "../../domain/times.ts";
import type { StoredBlob } from "../../ports/blob-storage.ts";
import { onStorage } from "../steps/storage-outage.ts";
import { claimMs } from "../steps/stored.ts";
import type { SweepStep, SweepWork } from "./sweep-step.ts";

const pageRows = 1000;
/** Rows that are written in one transaction. */
const batchRows = 200;
/** Blobs that are decided on in one transaction and deleted before the next. */
const batchBlobs = 50;
/** Whoever has not deleted a doomed blob after this has died. They give up by themselves after half of it. */
export const doomMs = 10 * 60_000;
/** For so long at least a deletion is remembered: longer than any claim holds, on clocks that differ. */
const rememberedMs = 2 * claimMs;

/** Notes what the storage holds and no row knows, as crashes leave it, once it is old enough; then it goes like any other blob. */
export const noteOrphans: SweepStep<"orphans"> = {
  name: "orphans",
  async run({ ctx, graceMs, after: place, checkpoint, advance }) {
    let after = place;
    do {
      checkpoint();
      const page: StoredBlob[] = await onStorage(ctx, () => ctx.storage.list(after, pageRows));
      const old = page.filter((blob) => blob.touchedAt < ctx.clock.now() - graceMs);
      const found = await listUnknownBlobs(ctx.database.reader, old.map(toRow));
      for (let at = 0; at < found.length; at += batchRows) {
        const rows = found.slice(at, at + batchRows);
        await ctx.database.write((tx) => insertFoundBlobs(tx, rows));
        advance(rows.length);
      }
      after = page.at(pageRows - 1)?.digest ?? null;
      advance(0, after);
    } while (after !== null);
  },
};

function toRow({ digest, size, touchedAt }: StoredBlob) {
  return { sha256: digest, size, touched_at: toRowTime(touchedAt) };
}

/**
 * Deletes blobs that no version has needed for a while. What is to go is marked in a transaction first; only then is the storage
 * asked, and the row tells of the deletion for a while. A publish that brings the same bytes meanwhile sees that and waits, or is
 * refused; it never counts on bytes that are about to go.
 */
export const deleteUnneeded: SweepStep<"blobs"> = {
  name: "blobs",
  async run(work) {
    const { database } = work.ctx;
    let after = "";
    for (;;) {
      work.checkpoint();
      const through = await findBlobPageEnd(database.reader, after, pageRows);
      const deadlines = deadlinesOf(work);
      const spent = await listSpentBlobs(database.reader, { after, through }, deadlines);
      const gone = spent.filter((blob) => blob.state === "gone").map((blob) => blob.sha256);
      await forget(work.ctx, gone, deadlines);
      const going = spent.filter((blob) => blob.state !== "gone");
      for (let at = 0; at < going.length; at += batchBlobs) {
        work.checkpoint();
        await deleteBatch(work, going.slice(at, at + batchBlobs), work.advance);
      }
      work.advance(0);
      if (through === undefined) return;
      after = through;
      await nextTurn();
    }
  },
};

function deadlinesOf({ ctx, graceMs }: Pick<SweepWork, "ctx" | "graceMs">): BlobDeadlines {
  const now = ctx.clock.now();
  return {
    touchedBefore: toRowTime(now - graceMs),
    deletedBefore: toRowTime(now - ctx.limits.restoreWindowMs - graceMs),
    doomedBefore: toRowTime(now - doomMs),
    goneBefore: toRowTime(now - Math.max(graceMs, rememberedMs)),
  };
}

async function forget(ctx: Context, digests: readonly string[], { goneBefore }: BlobDeadlines): Promise<void> {
  if (digests.length > 0) await ctx.database.write((tx) => deleteGone(tx, digests, goneBefore));
}

/** Whether nobody knows of a stored blob. */
export async function isUnknown(ctx: Context, blob: StoredBlob): Promise<boolean> {
  return (await listUnknownBlobs(ctx.database.reader, [toRow(blob)])).length > 0;
}

/** Deletes bytes that nobody knows, as a sweep would; false when somebody has begun to need them. */
export async function removeOrphan(work: Pick<SweepWork, "ctx" | "graceMs">, blob: StoredBlob): Promise<boolean> {
  const row = toRow(blob);
  await work.ctx.database.write((tx) => insertFoundBlobs(tx, [row]));
  return (await deleteBatch(work, [{ ...row, state: "live" }])) === 1;
}

async function deleteBatch(
  work: Pick<SweepWork, "ctx" | "graceMs">,
  candidates: readonly SpentBlob[],
  advance?: SweepWork["advance"],
): Promise<number> {
  const { ctx } = work;
  const startedAt = ctx.clock.now();
  const doomedAt = toRowTime(startedAt);
  const deadlines = deadlinesOf(work);
  const doomed = await ctx.database.write(async (tx) => {
    const mine: string[] = [];
    for (const blob of candidates)
      if (await doomBlob(tx, blob, { ...deadlines, now: doomedAt })) mine.push(blob.sha256);
    return mine;
  });
  const deleted: string[] = [];
  try {
    for (const digest of doomed) {
      // Another sweep takes what is doomed for long; both must never be at it.
      if (ctx.clock.now() - startedAt > doomMs / 2) break;
      await onStorage(ctx, () => ctx.storage.delete(digest));
      deleted.push(digest);
    }
  } finally {
    const now = toRowTime(ctx.clock.now());
    if (deleted.length > 0) await ctx.database.write((tx) => markGone(tx, deleted, { doomedAt, now }));
    advance?.(deleted.length);
  }
  return deleted.length;
}
