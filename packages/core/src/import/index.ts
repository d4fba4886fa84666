import { defaultArchiveLimits } from "../archive/limits.ts";
import { migrate } from "../db/migrations/index.ts";
import { type Beginning, beginCopy, isFinished, markFinished } from "../transfer/begin.ts";
import { compareEveryTable, copyEveryTable } from "../transfer/every-table.ts";
import { teller } from "../transfer/progress.ts";
import { listAbsent } from "./absent.ts";
import { type ArchivesBrought, bringArchives } from "./archives.ts";
import type { Rows } from "./attach.ts";
import { readArchiveFiles } from "./files.ts";
import { type Original, openOriginal } from "./original.ts";
import { numbered, remarkOn } from "./remarks.ts";
import type { ImportOptions, ImportRemark, ImportReport } from "./report.ts";
import { survey, TooFewArchives } from "./survey.ts";

export type { RegistryParts } from "../transfer/archives.ts";
export type { CopyProgress } from "../transfer/progress.ts";
export type { TableReport } from "../transfer/verify.ts";
export type { ImportOptions, ImportRemark, ImportReport, LeftOut, RemarkKind } from "./report.ts";
export { TooFewArchives } from "./survey.ts";

/**
 * Brings a registry of the original project into a new one: users with their passwords, packages, versions, all else that its tables
 * hold, and archives, each inspected as an upload is. A version whose archive is missing or refused comes yanked, with the reason, and
 * cannot be downloaded. Killed at any point, another run goes on; once all rows are there, further runs bring archives that were
 * missing and change nothing else. Without `sqlite` it brings archives into a registry that was taken over in place.
 * The original's files are only read.
 * @throws TooFewArchives unless `allowMissing`, before any version is touched
 * @throws Error with what to do when a file or folder is not what it should be, or the registry holds anything else; whatever database
 *   and storage throw
 */
export async function importOriginal(options: ImportOptions): Promise<ImportReport> {
  const { sqlite, packages, to } = options;
  if (sqlite === undefined && packages === undefined) throw new Error("Neither a database nor archives were given");
  if (sqlite === undefined) {
    await migrate(to.database);
    const brought = await bringInto({ database: to.database, isLive: true }, options);
    return { ...summary(brought), rows: "none", tables: [], remarks: brought.remarks };
  }
  const original = await openOriginal(sqlite, options.signal);
  try {
    const beginning = await beginCopy(original.database, to.database);
    const isKept = beginning.isResumed && (await isFinished(to.database, beginning.sourceId));
    return isKept ? await addTo(original, options) : await copyAll(original, beginning, options);
  } finally {
    await original.close();
  }
}

/** Rows go with what is known of their archives, so that a registry never shows a version that lacks one without need. */
async function copyAll(original: Original, beginning: Beginning, options: ImportOptions): Promise<ImportReport> {
  const { to, signal, onProgress } = options;
  const remarks = await remarkOn(original);
  const brought = await bringInto({ database: original.database, isLive: false }, options);
  const work = { from: original.database, to: to.database, beginning, signal, tell: teller(onProgress) };
  await copyEveryTable(work);
  const tables = await compareEveryTable(work);
  const isSame = tables.every((table) => table.isSame);
  if (isSame) await markFinished(original.database, to.database, beginning.sourceId);
  const orphans = numbered(
    "rows_orphaned",
    tables.reduce((sum, { leftOut }) => sum + leftOut, 0),
  );
  const all = [...remarks, ...(orphans.count > 0 ? [orphans] : []), ...brought.remarks];
  const { isComplete, ...rest } = summary(brought);
  return { isComplete: isComplete && isSame, ...rest, rows: "copied", tables, remarks: all };
}

async function addTo(original: Original, options: ImportOptions): Promise<ImportReport> {
  const { database } = options.to;
  const remarks = await remarkOn(original);
  const absent = await listAbsent(original.database.reader, database.reader);
  const brought = await bringInto({ database, isLive: true }, options);
  const all = { ...brought, leftOut: [...absent, ...brought.leftOut] };
  return { ...summary(all), rows: "kept", tables: [], remarks: [...remarks, ...brought.remarks] };
}

interface Brought extends ArchivesBrought {
  remarks: ImportRemark[];
}

async function bringInto(rows: Rows, options: ImportOptions): Promise<Brought> {
  const { packages, allowMissing = false, to, limits = {}, signal, onProgress } = options;
  const nothing = { archives: { taken: 0, present: 0, bytes: 0 }, leftOut: [], remarks: [] };
  if (packages === undefined) return nothing;
  const files = await readArchiveFiles(packages, rows.database.reader);
  const found = await survey(rows.database.reader, files);
  if (found.missing > found.found && !allowMissing) throw new TooFewArchives(packages, found);
  const tell = teller(onProgress)("archives", found.bytes);
  const taking = {
    storage: to.storage,
    limits: {
      archive: { ...defaultArchiveLimits, ...limits.archive },
      uploadBytes: limits.uploadBytes ?? Number.POSITIVE_INFINITY,
    },
    ...{ signal, onBytes: tell },
  };
  const brought = await bringArchives({ rows, registry: to.database, files, taking });
  const unclaimed: ImportRemark = { about: "files_unclaimed", ...files.unclaimed };
  return { ...brought, remarks: unclaimed.count > 0 ? [unclaimed] : [] };
}

function summary({ archives, leftOut }: ArchivesBrought): Pick<ImportReport, "isComplete" | "archives" | "leftOut"> {
  return { isComplete: leftOut.length === 0, archives, leftOut };
}
