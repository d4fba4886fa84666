import type { Selectable } from "kysely";
import type { Executor, Tx } from "../ports/database.ts";
import type { Tables } from "../ports/tables.ts";
import { prepared, preparedUpdate, textValue } from "./prepared.ts";

/** A row of Packages. */
export type PackageRow = Selectable<Tables["Packages"]>;

/** The package of this exact name. */
export const findPackage = prepared<{ name: string }, PackageRow>((db, { name }) =>
  db.selectFrom("Packages").selectAll().where("name", "=", name),
);

/** A package by its id. */
export const findPackageById = prepared<{ id: number }, PackageRow>((db, { id }) =>
  db.selectFrom("Packages").selectAll().where("id", "=", id),
);

const selectByKey = prepared<{ nameKey: string }, { id: number; name: string }>((db, { nameKey }) =>
  db.selectFrom("Packages").select(["id", "name"]).where("name_key", "=", nameKey),
);

/** The package whose folded name is this one. */
export async function findPackageByKey(
  db: Executor,
  nameKey: string,
): Promise<{ id: number; name: string } | undefined> {
  return (await selectByKey(db, { nameKey }))[0];
}

/** A package together with its latest version, in one row; the version's part is null where there is none. */
export interface PackageWithLatestRow extends PackageRow {
  version_id: number | null;
  version: string | null;
  edition: string | null;
  version_description: string | null;
  readme: string | null;
  created_at: string | null;
  grayscale: number | null;
  status: string | null;
  version_key: string | null;
  prerelease: number | null;
  sha256: string | null;
  size: number | null;
  manifest: string | null;
  published_at: string | null;
  yank_reason: string | null;
}

/** The package of this exact name and its latest version. */
export const findPackageWithLatest = prepared<{ name: string }, PackageWithLatestRow>((db, { name }) =>
  db
    .selectFrom("Packages as p")
    .leftJoin("Versions as v", "v.id", "p.latest_version_id")
    .selectAll("p")
    .select([
      "v.id as version_id",
      "v.version",
      "v.edition",
      "v.description as version_description",
      "v.readme",
      "v.created_at",
      "v.grayscale",
      "v.status",
      "v.version_key",
      "v.prerelease",
      "v.sha256",
      "v.size",
      "v.manifest",
      "v.published_at",
      "v.yank_reason",
    ])
    .where("p.name", "=", textValue(name)),
);

/** Adds a package and says under which id. */
export async function insertPackage(
  tx: Tx,
  row: { name: string; name_key: string; type: string; visibility: string; create_time: string; created_by: number },
): Promise<number> {
  const result = await tx
    .insertInto("Packages")
    .values({ ...row, update_time: row.create_time })
    .executeTakeFirstOrThrow();
  return Number(result.insertId);
}

type ChangedColumns = Pick<
  PackageRow,
  | "description"
  | "home"
  | "visibility"
  | "deprecation"
  | "is_deprecated"
  | "latest_version_id"
  | "rollouts"
  | "update_time"
>;

const changePackage = preparedUpdate<{ id: number }, ChangedColumns>((db, { id }, set) =>
  db.updateTable("Packages").set(set).where("id", "=", id),
);

/** Changes columns of a package; none when no value is given. */
export async function updatePackage(tx: Tx, id: number, values: Partial<ChangedColumns>): Promise<void> {
  if (Object.values(values).some((value) => value !== undefined)) await changePackage(tx, { id }, values);
}
