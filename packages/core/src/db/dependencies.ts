import type { Executor, Tx } from "../ports/database.ts";
import { numberValue, prepared, preparedChange } from "./prepared.ts";
import { type Viewer, visibleTo } from "./viewers.ts";

/** One dependency, seen from either side. */
export interface DependencyRow {
  name: string;
  range: string;
}

const selectDependencies = prepared<{ packageId: number }, { name: string; version_constraint: string | null }>(
  (db, { packageId }) =>
    db
      .selectFrom("Dependencies as d")
      .innerJoin("Packages as p", "p.id", "d.dependency_package_id")
      .select(["p.name", "d.version_constraint"])
      .where("d.package_id", "=", numberValue(packageId))
      .orderBy("p.name"),
);

/** What a package depends on, by name. */
export async function listDependencies(db: Executor, packageId: number): Promise<DependencyRow[]> {
  const rows = await selectDependencies(db, { packageId });
  return rows.map((row) => ({ name: row.name, range: row.version_constraint ?? "*" }));
}

/** Which packages that the viewer can find depend on a package, by name, at most 1000. */
export async function listDependents(db: Executor, packageId: number, viewer: Viewer): Promise<DependencyRow[]> {
  const rows = await db
    .selectFrom("Dependencies as d")
    .innerJoin("Packages as p", "p.id", "d.package_id")
    .select(["p.name", "d.version_constraint"])
    .where("d.dependency_package_id", "=", packageId)
    .where("p.latest_version_id", "is not", null)
    .where(visibleTo(viewer))
    .orderBy("p.name")
    .limit(1000)
    .execute();
  return rows.map((row) => ({ name: row.name, range: row.version_constraint ?? "*" }));
}

const removeDependencies = preparedChange<{ packageId: number }>((db, { packageId }) =>
  db.deleteFrom("Dependencies").where("package_id", "=", packageId),
);

/** Replaces what a package depends on: names and ranges. Names of packages that are not there are left out. */
export async function replaceDependencies(
  tx: Tx,
  packageId: number,
  dependencies: Readonly<Record<string, string>>,
): Promise<void> {
  await removeDependencies(tx, { packageId });
  const names = Object.keys(dependencies);
  if (names.length === 0) return;
  const known = await tx.selectFrom("Packages").select(["id", "name"]).where("name", "in", names).execute();
  const rows = known.map(({ id, name }) => ({
    package_id: packageId,
    dependency_package_id: id,
    version_constraint: dependencies[name] ?? "*",
  }));
  if (rows.length > 0) await tx.insertInto("Dependencies").values(rows).execute();
}
