import { insertAudit } from "../db/audit.ts";
import { touchBlob } from "../db/blobs.ts";
import { hasChangelog, saveChangelog } from "../db/changelogs.ts";
import { lockPackage } from "../db/locks.ts";
import { refreshLatest, refreshPackage } from "../db/package-index.ts";
import { moveVersion } from "../db/versions.ts";
import { nextStatus } from "../domain/status.ts";
import { toRowTime } from "../domain/times.ts";
import type { Database, Tx } from "../ports/database.ts";
import type { ArchiveLess } from "./archive-less.ts";
import type { Refusal, TakenArchive } from "./take.ts";

/** Rows that archives are written down in. */
export interface Rows {
  database: Database;
  /** True for a registry: changes have their line in the audit log. False for a copy of the original on its way into one. */
  isLive: boolean;
}

/** What the reason of a version begins with that was withheld by an import. */
const withheld = "Imported without its archive";

/** Whether a version was yanked by an import and by nobody since. */
function isWithheld({ status, yankReason }: ArchiveLess): boolean {
  return status === "yanked" && yankReason?.startsWith(withheld) === true;
}

/** Writes down that a version has its archive. One that an import had withheld is active again. */
export async function attach(rows: Rows, version: ArchiveLess, archive: TakenArchive): Promise<void> {
  const { sha256, size, documents } = archive;
  const back = isWithheld(version);
  await change(rows, version, {
    action: "release.import",
    details: { sha256, size },
    async write(tx) {
      const to = (back ? nextStatus(version.status, "unyank") : null) ?? version.status;
      const move = { id: version.id, from: version.status, to };
      const readme = version.readme ?? documents.readme;
      const moved = await moveVersion(tx, move, { sha256, size, readme, ...(back ? { yank_reason: null } : {}) });
      if (!moved) return false;
      if (rows.isLive && !(await touchBlob(tx, { sha256, size, touched_at: toRowTime(Date.now()) })))
        throw new Error(`A sweep has taken the archive ${sha256}: run the import again`);
      if (documents.changelog !== null && !(await hasChangelog(tx, version.id))) {
        await saveChangelog(tx, version.id, { changelog: documents.changelog, created_at: version.createdAt });
      }
      return true;
    },
  });
}

/** Yanks a version whose archive did not come: it is not the latest any more, and readers see why. */
export async function withhold(rows: Rows, version: ArchiveLess, { why, finding }: Refusal): Promise<void> {
  const reason = `${withheld}: ${reasons[why]}${finding === undefined ? "" : ` (${finding})`}`;
  // One that somebody has yanked keeps their reason.
  if (version.yankReason === reason || (version.status === "yanked" && !isWithheld(version))) return;
  await change(rows, version, {
    action: "release.yank",
    details: { reason },
    async write(tx) {
      const to = nextStatus(version.status, "yank") ?? version.status;
      return moveVersion(tx, { id: version.id, from: version.status, to }, { yank_reason: reason });
    },
  });
}

const reasons: Readonly<Record<Refusal["why"], string>> = {
  archive_missing: "it is missing",
  archive_not_a_file: "it is no plain file",
  archive_refused: "it was refused",
  archive_too_large: "it is too large",
  archive_ambiguous: "its file may be another package's",
  absent: "it is missing",
};

interface RowChange {
  action: string;
  details: Readonly<Record<string, unknown>>;
  /** False when somebody was faster. */
  write(tx: Tx): Promise<boolean>;
}

async function change({ database, isLive }: Rows, version: ArchiveLess, { action, details, write }: RowChange) {
  const { packageId } = version;
  await database.write(async (tx) => {
    await lockPackage(tx, packageId);
    if (!(await write(tx))) return;
    if (!isLive) return void (await refreshLatest(tx, packageId));
    const now = Date.now();
    await refreshPackage(tx, packageId, { nowMs: now });
    await insertAudit(tx, {
      ...{ user_id: null, action, package_id: packageId, address: null, request_id: null },
      details: JSON.stringify({ package: version.package, version: version.version, ...details }),
      created_at: toRowTime(now),
    });
  });
}
