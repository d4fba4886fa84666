import { setTimeout as delay } from "node:timers/promises";
import { findBlob, touchBlob } from "../db/blobs.ts";
import { toRowTime } from "../domain/times.ts";
import type { Database } from "../ports/database.ts";
import { type ArchiveLess, batchesOfArchiveLess } from "./archive-less.ts";
import { attach, type Rows, withhold } from "./attach.ts";
import { type ArchiveFiles, fileNameOf } from "./files.ts";
import type { ImportReport, LeftOut } from "./report.ts";
import { type Refusal, type TakenArchive, type Taking, takeArchive } from "./take.ts";

/** Archives on their way into the rows of a database. */
export interface ArchiveImport {
  rows: Rows;
  /** The registry that they are for: notes what its storage holds. */
  registry: Database;
  files: ArchiveFiles;
  taking: Taking;
}

/** What became of the archives. */
export interface ArchivesBrought {
  archives: ImportReport["archives"];
  leftOut: LeftOut[];
}

/** How many archives are read at the same time. */
const parallel = 4;

/** Brings every version that waits for one its archive; what did not come is said to readers and reported. */
export async function bringArchives(work: ArchiveImport): Promise<ArchivesBrought> {
  const brought: ArchivesBrought = { archives: { taken: 0, present: 0, bytes: 0 }, leftOut: [] };
  for await (const versions of batchesOfArchiveLess(work.rows.database.reader)) {
    const outcomes = await takeAll(work, versions);
    // Written in the order of ids, so that two runs write the same.
    for (const [at, version] of versions.entries()) {
      const outcome = outcomes[at];
      if (outcome === undefined) continue;
      if ("why" in outcome) {
        await withhold(work.rows, version, outcome);
        const what = `${version.package}@${version.version}`;
        brought.leftOut.push({ ...outcome, what, file: fileNameOf(version.package, version.version) });
      } else {
        await attach(work.rows, version, outcome);
        brought.archives.taken += 1;
        brought.archives.present += outcome.wasPresent ? 1 : 0;
        brought.archives.bytes += outcome.size;
      }
    }
  }
  return brought;
}

async function takeAll(work: ArchiveImport, versions: readonly ArchiveLess[]): Promise<(TakenArchive | Refusal)[]> {
  const outcomes: (TakenArchive | Refusal)[] = [];
  const waiting = [...versions.entries()];
  const worker = async () => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      const [at, version] = one;
      outcomes[at] = await takeOne(work, fileNameOf(version.package, version.version));
    }
  };
  const results = await Promise.allSettled(Array.from({ length: parallel }, worker));
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return outcomes;
}

async function takeOne({ files, taking, registry }: ArchiveImport, file: string): Promise<TakenArchive | Refusal> {
  taking.signal?.throwIfAborted();
  if (files.isAmbiguous(file)) return { why: "archive_ambiguous" };
  const path = files.pathOf(file);
  if (path === null) return { why: "archive_missing" };
  for (let goneSince: string | null = null; ; ) {
    const since = goneSince;
    const outcome = await takeArchive(path, taking);
    if ("why" in outcome) return outcome;
    const { sha256, size } = outcome;
    // Rows that refer to it may come much later: until then this keeps it from being swept.
    const blob = { sha256, size, touched_at: toRowTime(Date.now()) };
    if (await registry.write((tx) => touchBlob(tx, blob, since))) return outcome;
    // A sweep was at the same bytes: stored once more after that, they stay.
    goneSince = await waitUntilGone(registry, sha256, taking.signal);
  }
}

/** How long bytes wait that a sweep is deleting. */
const [mostPolls, pollMs] = [100, 50];

/** Since when a blob is gone that a sweep had begun to delete; null when it is there after all. */
async function waitUntilGone(
  registry: Database,
  sha256: string,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  for (let polls = 0; polls < mostPolls; polls += 1) {
    const [row] = await findBlob(registry, { sha256 });
    if (row?.state !== "doomed") return row?.state === "gone" ? row.touched_at : null;
    await delay(pollMs, undefined, { signal });
  }
  throw new Error(`A sweep that was ended has left ${sha256} to be deleted: sweep ten minutes later, and import again`);
}
