import type { Context } from "../context.ts";
import { countBehind } from "../db/checks.ts";
import { checkArchives } from "./upkeep/check-archives.ts";
import { checkPackages } from "./upkeep/check-packages.ts";
import { checkVersions } from "./upkeep/check-versions.ts";
import type { FsckCheck, FsckCode, FsckFinding, FsckWork } from "./upkeep/fsck-work.ts";

/** How to check. */
export interface FsckOptions {
  /** Mends what can be mended. Default: only looks. */
  repair?: boolean;
  /** Reads every archive and compares its digest; default: its size only. */
  deep?: boolean;
  /** Goes on where an earlier run ended: the `cursor` of its report or of what it told last. */
  after?: string | null;
  /** Age from which what nobody knows or waits for counts as left behind; default 24 hours. */
  graceMs?: number;
  /** Ends the check before its next archive, or its next page of rows; the report then has a cursor. */
  signal?: AbortSignal;
  /** Told after every page. Should the check fail, the last `cursor` is where to go on. */
  onProgress?(progress: FsckProgress): void;
  /** Told of each finding at once. The report holds the first 1000. */
  onFinding?(finding: FsckFinding): void;
}

/** How far a check is. */
export interface FsckProgress {
  check: FsckCheck;
  /** How many of them were looked at in this run. */
  done: number;
  /** How many there were for this run when the check began; archives that only the storage knows come on top. */
  total: number;
  cursor: string;
}

/** What a check found. */
export interface FsckReport {
  /** How many of each kind were looked at in this run. */
  checked: Record<FsckCheck, number>;
  /** How many findings there are of each code. */
  counts: Partial<Record<FsckCode, number>>;
  /** The first 1000 of them. */
  findings: FsckFinding[];
  /** Findings that are not mended. */
  unmended: number;
  /** Whether it came to its end. */
  isComplete: boolean;
  /** What to give as `after` to go on; null when it came to its end. */
  cursor: string | null;
}

const keptFindings = 1000;
const day = 24 * 60 * 60_000;

const [id, digest] = [/^\d{0,15}$/, /^([0-9a-f]{64})?$/];

/** With the table that says how much there is, and what places look like. */
const checks = [
  ["packages", checkPackages, "Packages", id],
  ["versions", checkVersions, "Versions", id],
  ["archives", checkArchives, "Blobs", digest],
] as const;

/**
 * Compares what rows say with each other and with the storage, page by page, while the registry is used; never removes a version.
 * What is found can be mended with `repair`, but for archives: those need {@link heal}, or a backup. For the host only.
 * @throws TypeError for a cursor that no run has told; unavailable when the storage fails, and whatever the database fails with
 */
export async function fsck(ctx: Context, options: FsckOptions = {}): Promise<FsckReport> {
  const { repair = false, deep = false, graceMs = day, after: begin = null, signal } = options;
  const [first, place] = parseCursor(begin);
  const report: FsckReport = {
    checked: { packages: 0, versions: 0, archives: 0 },
    ...{ counts: {}, findings: [], unmended: 0, isComplete: false, cursor: begin },
  };
  // Several versions may need one archive; they are told of one after the other.
  const lastOf: Partial<Record<FsckCode, string | null>> = {};
  const blobs = { archive_missing: 0, archive_damaged: 0 };
  const found = (finding: FsckFinding) => {
    const { code, sha256 } = finding;
    if ((code === "archive_missing" || code === "archive_damaged") && lastOf[code] !== sha256) blobs[code] += 1;
    lastOf[code] = sha256;
    report.counts[finding.code] = (report.counts[finding.code] ?? 0) + 1;
    if (!finding.isMended) report.unmended += 1;
    if (report.findings.length < keptFindings) report.findings.push(finding);
    options.onFinding?.(finding);
  };
  for (const [name, check, table] of checks.slice(first)) {
    const work: FsckWork = { ctx, repair, deep, graceMs, signal, found };
    let after: string | null = name === checks[first]?.[0] ? place : "";
    const isWatched = options.onProgress !== undefined && after !== null;
    const total = isWatched ? await countBehind(ctx.database.reader, table, after ?? "") : 0;
    while (after !== null) {
      if (signal?.aborted) return report;
      const page: { next: string | null; checked: number } = await check(work, after);
      report.checked[name] += page.checked;
      after = page.next;
      report.cursor = `${name}:${after ?? "end"}`;
      options.onProgress?.({ check: name, done: report.checked[name], total, cursor: report.cursor });
    }
  }
  if (begin === null) tellTelemetry(ctx, blobs);
  return { ...report, isComplete: true, cursor: null };
}

/** What is told of a run from its beginning to its end. */
function tellTelemetry({ telemetry }: Context, blobs: { archive_missing: number; archive_damaged: number }): void {
  const { archive_missing: missing, archive_damaged: damaged } = blobs;
  const attributes = { "registry.fsck.missing_blobs": missing, "registry.fsck.damaged_blobs": damaged };
  telemetry?.event({ name: "checked", attributes });
}

/** Which check comes first, and where in it. */
function parseCursor(cursor: string | null): [number, string | null] {
  if (cursor === null) return [0, ""];
  const [, name, place = ""] = /^(\w+):(\w*)$/.exec(cursor) ?? [];
  const at = checks.findIndex(([check, , , places]) => check === name && (place === "end" || places.test(place)));
  if (at < 0) throw new TypeError(`There is no place ${cursor} to go on from`);
  return [at, place === "end" ? null : place];
}
