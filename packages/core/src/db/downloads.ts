import { sql } from "kysely";
import type { Executor, Tx } from "../ports/database.ts";
import { engineOf } from "./engine.ts";

/** Downloads of one version that wait to be written. */
export interface DownloadBatch {
  versionId: number;
  packageId: number;
  /** UTC day, `YYYY-MM-DD`. */
  day: string;
  count: number;
}

/** Adds counted downloads to the version, the package and the day. */
export async function addDownloads(tx: Tx, batch: DownloadBatch): Promise<void> {
  const { versionId, packageId, day, count } = batch;
  const more = { downloads_count: sql<number>`downloads_count + ${count}` };
  // The package first, as every change of it does.
  await tx.updateTable("Packages").set(more).where("id", "=", packageId).execute();
  await tx.updateTable("Versions").set(more).where("id", "=", versionId).execute();
  const insert = tx.insertInto("DownloadDays").values({ version_id: versionId, package_id: packageId, day, count });
  const sum = { count: sql<number>`${sql.ref("DownloadDays.count")} + ${count}` };
  if (engineOf(tx) === "mysql") await insert.onDuplicateKeyUpdate(sum).execute();
  else await insert.onConflict((conflict) => conflict.columns(["version_id", "day"]).doUpdateSet(sum)).execute();
}

/** Downloads of a package per day from `sinceDay` on, oldest first. */
export async function listDownloadDays(
  db: Executor,
  packageId: number,
  sinceDay: string,
): Promise<{ day: string; count: number }[]> {
  const rows = await db
    .selectFrom("DownloadDays")
    .select((eb) => ["day", eb.fn.sum("count").as("count")])
    .where("package_id", "=", packageId)
    .where("day", ">=", sinceDay)
    .groupBy("day")
    .orderBy("day")
    .execute();
  return rows.map((row) => ({ day: row.day, count: Number(row.count) }));
}

/** Total downloads per version that readers see, newest by SemVer first. */
export async function listVersionDownloads(
  db: Executor,
  packageId: number,
): Promise<{ version: string; count: number }[]> {
  const rows = await db
    .selectFrom("Versions")
    .select(["version", "downloads_count as count"])
    .where("package_id", "=", packageId)
    .where("status", "in", ["active", "yanked"])
    .orderBy("version_key", "desc")
    .orderBy("id", "desc")
    .execute();
  return rows;
}
