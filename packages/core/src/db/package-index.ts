import type { Manifest } from "../domain/manifest.ts";
import { indexTerms } from "../domain/search-terms.ts";
import { toRowTime } from "../domain/times.ts";
import type { Executor, Tx } from "../ports/database.ts";
import { listLabelsOf } from "./labels.ts";
import { replaceSets } from "./manifest-sets.ts";
import { findPackageById, updatePackage } from "./packages.ts";
import { countRollouts } from "./rollouts.ts";
import { type SearchEntry, saveSearchEntry } from "./search-index.ts";
import { findLatestCandidate, type VersionRow } from "./versions.ts";

/**
 * Brings what is derived from a package's versions up to date, in the transaction that changed them: which version is the
 * latest, what the package says of itself where another version has become the latest, and the search index.
 * @returns the latest version
 */
export async function refreshPackage(tx: Tx, packageId: number, nowMs?: number): Promise<VersionRow | null> {
  const [before] = await findPackageById(tx, { id: packageId });
  const latest = await refreshLatest(tx, packageId, nowMs);
  if (latest !== null && latest.id !== before?.latest_version_id) await adoptTexts(tx, packageId, latest);
  await indexPackage(tx, packageId, latest !== null);
  return latest;
}

/** Stores which version is the latest, and how many are out for a part of the clients only. */
export async function refreshLatest(tx: Tx, packageId: number, nowMs?: number): Promise<VersionRow | null> {
  const { latest, rollouts } = await findDerived(tx, packageId);
  await updatePackage(tx, packageId, {
    latest_version_id: latest?.id ?? null,
    rollouts,
    ...(nowMs === undefined ? {} : { update_time: toRowTime(nowMs) }),
  });
  return latest;
}

/** Which version ought to be the latest, and how many are out for a part of the clients only. */
export async function findDerived(
  db: Executor,
  packageId: number,
): Promise<{ latest: VersionRow | null; rollouts: number }> {
  const rollouts = await countRollouts(db, packageId);
  const forAll = await findLatestCandidate(db, packageId, "all");
  const latest = forAll ?? (rollouts > 0 ? await findLatestCandidate(db, packageId, "some") : undefined);
  return { latest: latest ?? null, rollouts };
}

/** What its latest version says is what a package says; what that version leaves out stays. */
async function adoptTexts(tx: Tx, packageId: number, version: VersionRow): Promise<void> {
  const manifest: Manifest = JSON.parse(version.manifest ?? "{}");
  await replaceSets(tx, packageId, manifest);
  await updatePackage(tx, packageId, {
    ...(version.description === null ? {} : { description: version.description }),
    ...(manifest.home === undefined ? {} : { home: manifest.home }),
  });
}

/** Brings the search index up to date with a package's texts. */
export async function indexPackage(tx: Tx, packageId: number, findable: boolean): Promise<void> {
  await saveSearchEntry(tx, packageId, findable ? await findSearchEntry(tx, packageId) : null);
}

/** What the search index ought to hold of a package that can be found. */
export async function findSearchEntry(db: Executor, packageId: number): Promise<SearchEntry> {
  const [row] = await findPackageById(db, { id: packageId });
  if (row === undefined) throw new Error("The package is not there");
  const labels = [...(await listLabelsOf(db, "tags", packageId)), ...(await listLabelsOf(db, "providers", packageId))];
  return { name: row.name, terms: [row.name, row.description ?? "", ...labels].flatMap(indexTerms) };
}
