import { listVersionFacts, type VersionFacts } from "../../db/checks.ts";
import { isAwaited } from "../../db/uploads.ts";
import { isVisible } from "../../domain/status.ts";
import { toRowTime } from "../../domain/times.ts";
import { expireVersion } from "./expired.ts";
import type { CheckedPage, FsckCode, FsckWork } from "./fsck-work.ts";

const pageRows = 500;

/** Looks at versions by themselves: which wait in vain for an archive, which are shown without one. */
export async function checkVersions(work: FsckWork, after: string): Promise<CheckedPage> {
  const page = await listVersionFacts(work.ctx.database.reader, Number(after), pageRows);
  for (const version of page) await checkVersion(work, version);
  const last = page.at(-1);
  return { checked: page.length, next: page.length < pageRows || last === undefined ? null : String(last.id) };
}

async function checkVersion({ ctx, repair, graceMs, found }: FsckWork, row: VersionFacts): Promise<void> {
  const tell = (code: FsckCode, detail: string, isMended: boolean) =>
    found({ code, package: row.package, version: row.version, sha256: row.sha256, detail, isMended });
  if (isVisible(row.status) && row.sha256 === null) {
    tell("archive_unknown", "is shown, and nothing is known of its archive", false);
  }
  if (row.status !== "pending") return;
  // A sweep lets versions expire; only what none came by for long is told.
  const since = toRowTime(ctx.clock.now() - graceMs);
  if (await isAwaited(ctx.database.reader, row.id, since)) return;
  const isMended = repair && (await expireVersion(ctx, { version_id: row.id, package_id: row.package_id }));
  tell("upload_overdue", "waits for an archive that can no longer come", isMended);
}
