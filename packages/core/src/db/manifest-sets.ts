import type { Manifest } from "../domain/manifest.ts";
import type { Executor, Tx } from "../ports/database.ts";
import { listDependencies, replaceDependencies } from "./dependencies.ts";
import { listLabelsOf, readMap, replaceLabels, replaceMap } from "./labels.ts";

/** The sets of a manifest that are kept for the package as a whole too, in tables of their own. */
export const setNames = ["providers", "tags", "services", "commands", "properties", "dependencies"] as const;

/** Name of such a set. */
export type SetName = (typeof setNames)[number];

/** The package's sets of these names. */
export async function readSets(db: Executor, packageId: number, names: readonly SetName[]): Promise<Manifest> {
  const sets: Manifest = {};
  for (const name of names) Object.assign(sets, { [name]: await readSet(db, packageId, name) });
  return sets;
}

async function readSet(db: Executor, packageId: number, name: SetName): Promise<unknown> {
  if (name === "providers" || name === "tags") return listLabelsOf(db, name, packageId);
  if (name !== "dependencies") return readMap(db, name, packageId);
  const dependencies: Record<string, string> = Object.create(null);
  for (const { name: dependency, range } of await listDependencies(db, packageId)) dependencies[dependency] = range;
  return dependencies;
}

/** Replaces the package's sets that the manifest names, and leaves the others. */
export async function replaceSets(tx: Tx, packageId: number, manifest: Pick<Manifest, SetName>): Promise<void> {
  const { providers, tags, services, commands, properties, dependencies } = manifest;
  if (providers) await replaceLabels(tx, "providers", { packageId, names: providers });
  if (tags) await replaceLabels(tx, "tags", { packageId, names: tags });
  if (services) await replaceMap(tx, "services", { packageId, map: services });
  if (commands) await replaceMap(tx, "commands", { packageId, map: commands });
  if (properties) await replaceMap(tx, "properties", { packageId, map: properties });
  if (dependencies) await replaceDependencies(tx, packageId, dependencies);
}
