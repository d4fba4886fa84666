import { indexTerms } from "../domain/search-terms.ts";
import { toRowTime } from "../domain/times.ts";
import type { Tx } from "../ports/database.ts";
import { listLabelsOf } from "./labels.ts";
import { updateLatest } from "./packages.ts";
import { saveSearchTerms } from "./search.ts";
import { countRollouts, findLatestCandidate } from "./versions.ts";

/**
 * Brings what is derived from a package's versions up to date, in the transaction that changed them: which version is the
 * latest, how many are out for a part of the clients only, and the search index. The id of the latest version, or null.
 */
export async function refreshPackage(tx: Tx, packageId: number, nowMs?: number): Promise<number | null> {
  const latestId = await refreshLatest(tx, packageId, nowMs);
  await indexPackage(tx, packageId, latestId !== null);
  return latestId;
}

/** The same without the search index, for a change that brings that up to date itself. */
export async function refreshLatest(tx: Tx, packageId: number, nowMs?: number): Promise<number | null> {
  const rollouts = await countRollouts(tx, packageId);
  const forAll = await findLatestCandidate(tx, packageId, "all");
  const latest = forAll ?? (rollouts > 0 ? await findLatestCandidate(tx, packageId, "some") : undefined);
  const latestId = latest?.id ?? null;
  await updateLatest(tx, packageId, {
    latest_version_id: latestId,
    rollouts,
    ...(nowMs === undefined ? {} : { update_time: toRowTime(nowMs) }),
  });
  return latestId;
}

/** Brings the search index up to date with a package's texts. */
export async function indexPackage(tx: Tx, packageId: number, findable: boolean): Promise<void> {
  if (!findable) return saveSearchTerms(tx, packageId, null);
  const row = await tx
    .selectFrom("Packages")
    .select(["name", "description"])
    .where("id", "=", packageId)
    .executeTakeFirstOrThrow();
  const labels = [...(await listLabelsOf(tx, "tags", packageId)), ...(await listLabelsOf(tx, "providers", packageId))];
  const terms = [row.name, row.description ?? "", ...labels].flatMap(indexTerms);
  await saveSearchTerms(tx, packageId, [...terms]);
}
