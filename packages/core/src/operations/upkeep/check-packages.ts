import { setImmediate as nextTurn } from "node:timers/promises";
import { listPackageFacts, type PackageFacts, recountDownloads } from "../../db/checks.ts";
import { lockPackage } from "../../db/locks.ts";
import { findDerived, findSearchEntry, refreshPackage } from "../../db/package-index.ts";
import { clearSearchEntry, holdsSearchEntry } from "../../db/search-index.ts";
import type { Executor } from "../../ports/database.ts";
import { type CheckedPage, type FsckCode, type FsckWork, packageFinding } from "./fsck-work.ts";

const pageRows = 200;

/** Looks at what is derived of packages: latest version, rollouts, search index, counters; and at who owns them. */
export async function checkPackages(work: FsckWork, after: string): Promise<CheckedPage> {
  const page = await listPackageFacts(work.ctx.database.reader, Number(after), pageRows);
  for (const facts of page) {
    if (facts.owners === 0) {
      work.found(packageFinding("owner_missing", facts.name, { detail: "nobody owns it", isMended: false }));
    }
    const wrong = await findWrong(work.ctx.database.reader, facts);
    // Read at several moments, while others may have changed it: only what is wrong in one moment is wrong.
    if (wrong.length > 0) await confirm(work, facts);
    await nextTurn();
  }
  const last = page.at(-1);
  return { checked: page.length, next: page.length < pageRows || last === undefined ? null : String(last.id) };
}

interface Wrong {
  code: FsckCode;
  detail: string;
}

async function findWrong(db: Executor, facts: PackageFacts): Promise<Wrong[]> {
  const wrong: Wrong[] = [];
  const derived = await findDerived(db, facts.id);
  const latestId = derived.latest?.id ?? null;
  if (latestId !== facts.latest_version_id || derived.rollouts !== facts.rollouts) {
    const detail = `the latest is version ${latestId} and not ${facts.latest_version_id}, with ${derived.rollouts} rollouts and not ${facts.rollouts}`;
    wrong.push({ code: "latest_wrong", detail });
  }
  const entry = latestId === null ? null : await findSearchEntry(db, facts.id);
  if (!(await holdsSearchEntry(db, facts.id, entry))) {
    wrong.push({ code: "index_wrong", detail: "search does not find it by its texts" });
  }
  // What a taken-over package counted before is in its own counter alone.
  const isOurs = facts.created_by !== null;
  const { downloads_count: counted, version_downloads: sum } = facts;
  if (counted < sum || (isOurs && counted > sum)) {
    wrong.push({ code: "downloads_wrong", detail: `counts ${counted} downloads, its versions ${sum}` });
  }
  return wrong;
}

async function confirm({ ctx, repair, found }: FsckWork, { id, name }: PackageFacts): Promise<void> {
  const writing = ctx.database.write(async (tx) => {
    await lockPackage(tx, id);
    const [facts] = await listPackageFacts(tx, id - 1, 1);
    const confirmed = facts?.id === id ? await findWrong(tx, facts) : [];
    if (!repair) return confirmed;
    const codes = confirmed.map((one) => one.code);
    if (codes.includes("downloads_wrong")) await recountDownloads(tx, id);
    if (codes.includes("index_wrong")) await clearSearchEntry(tx, id, await findSearchEntry(tx, id));
    if (codes.some((code) => code !== "downloads_wrong")) await refreshPackage(tx, id);
    return confirmed;
  });
  // Failed ones too: a commit whose answer was lost has happened all the same.
  const wrong = await writing.finally(() => {
    if (repair) ctx.cache.forget(name);
  });
  for (const { code, detail } of wrong) found(packageFinding(code, name, { detail, isMended: repair }));
}
