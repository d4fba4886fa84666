import { type RawBuilder, sql } from "kysely";
import type { Executor, Tx } from "../ports/database.ts";

/** How many rows lie behind a place in the order that a check goes through: packages, versions, archives that sweeps know. */
export async function countBehind(
  db: Executor,
  table: "Packages" | "Versions" | "Blobs",
  after: string,
): Promise<number> {
  const place = table === "Blobs" ? sql`sha256 > ${after}` : sql`id > ${Number(after)}`;
  const query = sql<{ count: number }>`select count(*) as count from ${sql.table(table)} where ${place}`;
  return Number((await query.execute(db)).rows[0]?.count ?? 0);
}

/** What is derived of a package, and what it is derived from. */
export interface PackageFacts {
  id: number;
  name: string;
  latest_version_id: number | null;
  rollouts: number;
  created_by: number | null;
  downloads_count: number;
  version_downloads: number;
  owners: number;
}

/** Packages behind the id `after`, in the order of their ids. */
export async function listPackageFacts(db: Executor, after: number, limit: number): Promise<PackageFacts[]> {
  const query = sql<PackageFacts>`
    select id, name, latest_version_id, rollouts, created_by, downloads_count,
      (select coalesce(sum(v.downloads_count), 0) from Versions as v where v.package_id = p.id) as version_downloads,
      (select count(*) from PackageMaintainers as m where m.package_id = p.id and m.role = 'owner') as owners
    from Packages as p where id > ${after} order by id limit ${limit}`;
  return (await query.execute(db)).rows.map((row) => ({
    ...row,
    version_downloads: Number(row.version_downloads),
    owners: Number(row.owners),
  }));
}

/** Sets the downloads of a package to the sum of its versions' downloads. */
export async function recountDownloads(tx: Tx, packageId: number): Promise<void> {
  const sum = sql<number>`(select coalesce(sum(v.downloads_count), 0) from Versions as v where v.package_id = ${packageId})`;
  await tx.updateTable("Packages").set({ downloads_count: sum }).where("id", "=", packageId).execute();
}

/** What a version says of its archive. */
export interface VersionFacts {
  id: number;
  package_id: number;
  package: string;
  version: string;
  status: string;
  sha256: string | null;
  size: number | null;
}

const versionColumns = [
  "v.id",
  "v.package_id",
  "p.name as package",
  "v.version",
  "v.status",
  "v.sha256",
  "v.size",
] as const;

/** Versions behind the id `after`, in the order of their ids. */
export async function listVersionFacts(db: Executor, after: number, limit: number): Promise<VersionFacts[]> {
  return db
    .selectFrom("Versions as v")
    .innerJoin("Packages as p", "p.id", "v.package_id")
    .select(versionColumns)
    .where("v.id", ">", after)
    .orderBy("v.id")
    .limit(limit)
    .execute();
}

/** An archive that versions need. */
export interface NeededArchive {
  sha256: string;
  least: number | null;
  most: number | null;
}

/** Digests behind `after` that versions need; one that was deleted before `deletedBefore` needs nothing. */
export async function listNeeded(
  db: Executor,
  after: string,
  { deletedBefore, limit }: { deletedBefore: string; limit: number },
): Promise<NeededArchive[]> {
  const query = sql<NeededArchive>`select v.sha256, min(v.size) as least, max(v.size) as most from Versions as v
    where v.sha256 > ${after} and ${needsArchive(deletedBefore)} group by v.sha256 order by v.sha256 limit ${limit}`;
  return (await query.execute(db)).rows;
}

/** Versions behind the id `after` that need an archive. */
export async function listNeeding(
  db: Executor,
  sha256: string,
  { after, deletedBefore, limit }: { after: number; deletedBefore: string; limit: number },
): Promise<VersionFacts[]> {
  return db
    .selectFrom("Versions as v")
    .innerJoin("Packages as p", "p.id", "v.package_id")
    .select(versionColumns)
    .where("v.sha256", "=", sha256)
    .where("v.id", ">", after)
    .where(needsArchive(deletedBefore))
    .orderBy("v.id")
    .limit(limit)
    .execute();
}

function needsArchive(deletedBefore: string): RawBuilder<boolean> {
  return sql<boolean>`(v.status <> 'deleted' or v.deleted_at >= ${deletedBefore})`;
}
