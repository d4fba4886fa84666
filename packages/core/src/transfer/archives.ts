import type { Readable } from "node:stream";
import { type RawBuilder, sql } from "kysely";
import { touchBlob } from "../db/blobs.ts";
import { toRowTime } from "../domain/times.ts";
import type { BlobStorage, Digest, OpenBlob } from "../ports/blob-storage.ts";
import type { Database } from "../ports/database.ts";
import { pass } from "./bytes.ts";

/** Database and storage of a registry. */
export interface RegistryParts {
  database: Database;
  storage: BlobStorage;
}

/** An archive that was not copied. */
export interface ArchiveProblem {
  digest: Digest;
  /**
   * `missing`: the source's storage does not have it. `damaged`: it has other bytes. `damaged_in_target`: other bytes lie under
   * this digest in the target, where they were before.
   */
  what: "missing" | "damaged" | "damaged_in_target";
  /** Versions that need it, `name@version`; ten at most. */
  versions: string[];
}

/** What became of the archives. */
export interface ArchiveReport {
  /** Copied in this run. */
  copied: number;
  /** In the target already. */
  present: number;
  /** Size of both in bytes. */
  bytes: number;
  problems: ArchiveProblem[];
}

/** A copy from one storage to another, and who follows it. */
export interface ArchiveCopy {
  from: RegistryParts;
  /** Without a database, nothing is noted of what arrives. */
  to: { database: Database | null; storage: BlobStorage };
  /** Whether an archive that is there already is as it should be when its size is; else it is read. */
  trustsSizes?: boolean;
  signal: AbortSignal | undefined;
  /** Told as bytes pass, and of archives that need not. */
  onBytes(bytes: number): void;
}

/** Archives on their way at the same time. */
const parallelArchives = 4;

/** How many archives the source's versions refer to, and their size. */
export async function countArchives({ reader }: Database): Promise<{ count: number; bytes: number }> {
  const query = sql<{ count: number; bytes: number | string | null }>`select count(*) as count, sum(size) as bytes
    from (select sha256, max(size) as size from Versions where sha256 is not null group by sha256) as archives`;
  const [row] = (await query.execute(reader)).rows;
  return { count: Number(row?.count ?? 0), bytes: Number(row?.bytes ?? 0) };
}

/** Copies every archive that a version of the source refers to. Each is hashed as it passes, and stays out when it is another. */
export async function copyArchives(copy: ArchiveCopy): Promise<ArchiveReport> {
  const report: ArchiveReport = { copied: 0, present: 0, bytes: 0, problems: [] };
  let after = "";
  for (;;) {
    const page = await listArchives(copy, after);
    const last = page.at(-1);
    if (last === undefined) return report;
    const waiting = [...page];
    const worker = async () => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await add(report, copy, one);
    };
    const results = await Promise.allSettled(Array.from({ length: parallelArchives }, worker));
    for (const result of results) if (result.status === "rejected") throw result.reason;
    after = last.sha256;
  }
}

interface Archive {
  sha256: Digest;
  size: number | null;
  /** Whether only deleted versions refer to it: its bytes may be swept. */
  isDeleted: boolean;
  touchedAt: string;
  /** Whether an earlier run has seen its bytes arrive. */
  isNoted: boolean;
}

async function listArchives({ from, to }: ArchiveCopy, after: string): Promise<Archive[]> {
  const deleted: RawBuilder<number> = sql`min(case when status = 'deleted' then 1 else 0 end)`;
  const query = sql<{ sha256: string; size: number | null; deleted: number }>`
    select sha256, max(size) as size, ${deleted} as deleted from Versions
    where sha256 > ${after} group by sha256 order by sha256 limit 100`;
  const { rows } = await query.execute(from.database.reader);
  const digests = rows.map(({ sha256 }) => sha256);
  if (digests.length === 0) return [];
  // With one database on both sides its rows say nothing of the new storage.
  const other = to.database === from.database ? null : to.database;
  const theirs = await blobsOf(from.database, digests);
  const ours = other === null ? new Map() : await blobsOf(other, digests);
  return rows.map(({ sha256, size, deleted: isGone }) => ({
    ...{ sha256, size, isDeleted: Number(isGone) === 1 },
    touchedAt: theirs.get(sha256) ?? toRowTime(Date.now()),
    isNoted: ours.has(sha256),
  }));
}

async function blobsOf({ reader }: Database, digests: readonly string[]): Promise<Map<string, string>> {
  const query = reader
    .selectFrom("Blobs")
    .select(["sha256", "touched_at"])
    .where("sha256", "in", [...digests]);
  return new Map((await query.execute()).map(({ sha256, touched_at }) => [sha256, touched_at]));
}

async function add(report: ArchiveReport, copy: ArchiveCopy, archive: Archive): Promise<void> {
  copy.signal?.throwIfAborted();
  const outcome = await copyArchive(copy, archive);
  if (outcome === "swept") return;
  if (outcome === "copied" || outcome === "present") {
    report[outcome] += 1;
    report.bytes += archive.size ?? 0;
    return;
  }
  report.problems.push({ digest: archive.sha256, what: outcome, versions: await versionsOf(copy, archive.sha256) });
}

type Outcome = "copied" | "present" | "swept" | ArchiveProblem["what"];

async function copyArchive(copy: ArchiveCopy, archive: Archive): Promise<Outcome> {
  const { from, to, signal, onBytes } = copy;
  const { sha256, isDeleted } = archive;
  const present = await to.storage.stat(sha256);
  if (present !== null) {
    const isWhole = (archive.isNoted || copy.trustsSizes === true) && (archive.size ?? present.size) === present.size;
    if (!isWhole && !(await hasItsBytes(to.storage, archive, signal))) return "damaged_in_target";
    onBytes(present.size);
    return note(to, archive, { size: present.size, outcome: "present" });
  }
  const source = await openAll(from.storage, sha256);
  if (source === null) return isDeleted ? "swept" : "missing";
  const staged = await stageBeside(to.storage, source);
  try {
    const passed = await pass(source.body, { into: staged.writable, signal, onBytes });
    if (!isAsExpected(archive, passed)) return "damaged";
    await staged.commit(sha256, passed.size);
    return await note(to, archive, { size: passed.size, outcome: "copied" });
  } finally {
    await staged.discard();
  }
}

/** As a range: a storage compares the digest of what is read whole, and would break off where a report is wanted. */
async function openAll(storage: BlobStorage, digest: Digest): Promise<OpenBlob | null> {
  const found = await storage.stat(digest);
  if (found === null) return null;
  return storage.open(digest, found.size === 0 ? undefined : { start: 0, end: found.size - 1 });
}

async function stageBeside(storage: BlobStorage, source: { size: number; body: Readable }) {
  try {
    return await storage.stage(source.size);
  } catch (error) {
    source.body.destroy();
    throw error;
  }
}

async function note(
  { database }: ArchiveCopy["to"],
  archive: Archive,
  { size, outcome }: { size: number; outcome: Outcome },
) {
  const row = { sha256: archive.sha256, size, touched_at: archive.touchedAt };
  if (!archive.isNoted) await database?.write((tx) => touchBlob(tx, row));
  return outcome;
}

async function hasItsBytes(storage: BlobStorage, archive: Archive, signal: AbortSignal | undefined): Promise<boolean> {
  const blob = await openAll(storage, archive.sha256);
  return blob !== null && isAsExpected(archive, await pass(blob.body, { signal }));
}

function isAsExpected({ sha256, size }: Archive, passed: { digest: string; size: number }): boolean {
  return passed.digest === sha256 && (size === null || size === passed.size);
}

async function versionsOf({ from }: ArchiveCopy, sha256: string): Promise<string[]> {
  const query = from.database.reader
    .selectFrom("Versions as v")
    .innerJoin("Packages as p", "p.id", "v.package_id")
    .select(["p.name", "v.version"])
    .where("v.sha256", "=", sha256);
  const rows = await query.orderBy("v.id").limit(10).execute();
  return rows.map(({ name, version }) => `${name}@${version}`);
}
