import type { Executor, Tx } from "../ports/database.ts";
import { prepared, preparedChange, rowOf } from "./prepared.ts";

const removeChangelog = preparedChange<{ versionId: number }>((db, { versionId }) =>
  db.deleteFrom("Changelogs").where("version_id", "=", versionId),
);

const newColumns = ["version_id", "changelog", "created_at"] as const;

const addChangelog = preparedChange<{ version_id: number; changelog: string; created_at: string }>((db, row) =>
  db.insertInto("Changelogs").values(rowOf(row, newColumns)),
);

/** Sets what changed with a version; empty text removes it. */
export async function saveChangelog(
  tx: Tx,
  versionId: number,
  entry: { changelog: string; created_at: string },
): Promise<void> {
  await removeChangelog(tx, { versionId });
  if (entry.changelog === "") return;
  await addChangelog(tx, { ...entry, version_id: versionId });
}

const selectChangelogs = prepared<{ versionId: number }, { id: number }>((db, { versionId }) =>
  db.selectFrom("Changelogs").select("id").where("version_id", "=", versionId),
);

/** True when something is written down about what changed with a version. */
export async function hasChangelog(tx: Tx, versionId: number): Promise<boolean> {
  return (await selectChangelogs(tx, { versionId })).length > 0;
}

/** One entry of a package's change log. */
export interface ChangelogRow {
  version: string;
  changelog: string | null;
  created_at: string;
}

/** What changed with each version that readers see, newest by SemVer first, at most 100. */
export async function listChangelogs(db: Executor, packageId: number): Promise<ChangelogRow[]> {
  return db
    .selectFrom("Changelogs as c")
    .innerJoin("Versions as v", "v.id", "c.version_id")
    .select(["v.version", "c.changelog", "c.created_at"])
    .where("v.package_id", "=", packageId)
    .where("v.status", "in", ["active", "yanked"])
    .orderBy("v.version_key", "desc")
    .orderBy("v.id", "desc")
    .limit(100)
    .execute();
}
