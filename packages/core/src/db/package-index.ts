import type { Manifest } from "../domain/manifest.ts";
import { indexTerms } from "../domain/search-terms.ts";
import { toRowTime } from "../domain/times.ts";
import type { Tx } from "../ports/database.ts";
import { listLabelsOf } from "./labels.ts";
import { replaceSets } from "./manifest-sets.ts";
import { updateLatest, updatePackage } from "./packages.ts";
import { countRollouts } from "./rollouts.ts";
import { saveSearchEntry } from "./search-index.ts";
import { findLatestCandidate, type VersionRow } from "./versions.ts";

/**
 * Brings what is derived from a package's versions up to date, in the transaction that changed them: which version is the
 * latest, what the package says of itself where another version has become the latest, and the search index.
 * @returns the latest version
 */
export async function refreshPackage(tx: Tx, packageId: number, nowMs: number): Promise<VersionRow | null> {
  const before = await tx
    .selectFrom("Packages")
    .select("latest_version_id")
    .where("id", "=", packageId)
    .executeTakeFirst();
  const latest = await refreshLatest(tx, packageId, nowMs);
  if (latest !== null && latest.id !== before?.latest_version_id) await adoptTexts(tx, packageId, latest);
  await indexPackage(tx, packageId, latest !== null);
  return latest;
}

/** Stores which version is the latest, and how many are out for a part of the clients only. */
export async function refreshLatest(tx: Tx, packageId: number, nowMs?: number): Promise<VersionRow | null> {
  const rollouts = await countRollouts(tx, packageId);
  const forAll = await findLatestCandidate(tx, packageId, "all");
  const latest = forAll ?? (rollouts > 0 ? await findLatestCandidate(tx, packageId, "some") : undefined);
  await updateLatest(tx, packageId, {
    latest_version_id: latest?.id ?? null,
    rollouts,
    ...(nowMs === undefined ? {} : { update_time: toRowTime(nowMs) }),
  });
  return latest ?? null;
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
  if (!findable) return saveSearchEntry(tx, packageId, null);
  const row = await tx
    .selectFrom("Packages")
    .select(["name", "description"])
    .where("id", "=", packageId)
    .executeTakeFirstOrThrow();
  const labels = [...(await listLabelsOf(tx, "tags", packageId)), ...(await listLabelsOf(tx, "providers", packageId))];
  const terms = [row.name, row.description ?? "", ...labels].flatMap(indexTerms);
  await saveSearchEntry(tx, packageId, { name: row.name, terms });
}
