import type { Manifest } from "../domain/manifest.ts";
import { indexTerms } from "../domain/search-terms.ts";
import { toRowTime } from "../domain/times.ts";
import type { Executor, Tx } from "../ports/database.ts";
import { listLabelsOf } from "./labels.ts";
import { replaceSets, type SetName } from "./manifest-sets.ts";
import { findPackageById, updatePackage } from "./packages.ts";
import { countRollouts } from "./rollouts.ts";
import { type SearchEntry, saveSearchEntry } from "./search-index.ts";
import { findLatestCandidate, type VersionRow } from "./versions.ts";

/**
 * Brings what is derived from a package's versions up to date, in the transaction that changed them: which version is the
 * latest, what the package says of itself where another version has become the latest, and the search index. `taken` are sets that
 * one version has of the package itself, as they are.
 * @returns the latest version
 */
export async function refreshPackage(
  tx: Tx,
  packageId: number,
  { nowMs, taken }: { nowMs?: number; taken?: { versionId: number; sets: readonly SetName[] } } = {},
): Promise<VersionRow | null> {
  const [before] = await findPackageById(tx, { id: packageId });
  const { latest, rollouts } = await findDerived(tx, packageId);
  const adopted = latest !== null && latest.id !== before?.latest_version_id ? latest : null;
  const same = adopted !== null && adopted.id === taken?.versionId ? taken.sets : [];
  const manifest: Manifest = JSON.parse(adopted?.manifest ?? "{}");
  if (adopted !== null) await replaceSets(tx, packageId, without(manifest, same));
  const texts = adopted === null ? {} : textsOf(adopted, manifest);
  await updatePackage(tx, packageId, { ...derivedColumns({ latest, rollouts }, nowMs), ...texts });
  const hasSameTerms = (texts.description ?? before?.description) === before?.description && holdsLabels(same);
  const isIndexed = adopted !== null && before?.latest_version_id != null && hasSameTerms;
  if (!isIndexed) await indexPackage(tx, packageId, latest !== null);
  return latest;
}

/** What its latest version says is what a package says; what that version leaves out stays. */
function textsOf({ description }: VersionRow, { home }: Manifest): { description?: string; home?: string } {
  return { ...(description === null ? {} : { description }), ...(home === undefined ? {} : { home }) };
}

function without(manifest: Manifest, names: readonly SetName[]): Manifest {
  return Object.fromEntries(Object.entries(manifest).filter(([name]) => !names.includes(name as SetName)));
}

/** Whether these sets are all that searches look at. */
function holdsLabels(names: readonly SetName[]): boolean {
  return names.includes("tags") && names.includes("providers");
}

interface Derived {
  latest: VersionRow | null;
  rollouts: number;
}

function derivedColumns({ latest, rollouts }: Derived, nowMs: number | undefined) {
  const update_time = nowMs === undefined ? undefined : toRowTime(nowMs);
  return { latest_version_id: latest?.id ?? null, rollouts, ...(update_time === undefined ? {} : { update_time }) };
}

/** Stores which version is the latest, and how many are out for a part of the clients only. */
export async function refreshLatest(tx: Tx, packageId: number): Promise<void> {
  await updatePackage(tx, packageId, derivedColumns(await findDerived(tx, packageId), undefined));
}

/** Which version ought to be the latest, and how many are out for a part of the clients only. */
export async function findDerived(db: Executor, packageId: number): Promise<Derived> {
  const rollouts = await countRollouts(db, packageId);
  const forAll = await findLatestCandidate(db, packageId, "all");
  const latest = forAll ?? (rollouts > 0 ? await findLatestCandidate(db, packageId, "some") : undefined);
  return { latest: latest ?? null, rollouts };
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
