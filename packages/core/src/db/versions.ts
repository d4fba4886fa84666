import { type Selectable, sql } from "kysely";
import { isVisible } from "../domain/status.ts";
import type { Database, Executor, Tx } from "../ports/database.ts";
import type { Tables } from "../ports/tables.ts";
import { numberValue, prepared, preparedChange, preparedUpdate, rowOf } from "./prepared.ts";

/** A row of Versions. */
export type VersionRow = Selectable<Tables["Versions"]>;

/** What lists show of a version. */
export type VersionSummaryRow = Pick<
  VersionRow,
  | "id"
  | "version"
  | "version_key"
  | "prerelease"
  | "created_at"
  | "published_at"
  | "status"
  | "grayscale"
  | "sha256"
  | "size"
  | "yank_reason"
>;

/** Columns of Versions, under the name `v`, that lists show. */
export const summaryColumns = [
  "v.id",
  "v.version",
  "v.version_key",
  "v.prerelease",
  "v.created_at",
  "v.published_at",
  "v.status",
  "v.grayscale",
  "v.sha256",
  "v.size",
  "v.yank_reason",
] as const;

const selectVersions = prepared<{ packageId: number; version: string }, VersionRow>((db, { packageId, version }) =>
  db.selectFrom("Versions").selectAll().where("package_id", "=", packageId).where("version", "=", version),
);

/**
 * One version of a package, whatever its status. Of several with this number, which a taken-over database may hold, the one
 * that counts comes first.
 */
export async function findVersion(
  source: Database | Executor,
  args: { packageId: number; version: string },
): Promise<VersionRow[]> {
  const rows = await selectVersions(source, args);
  return rows.length < 2 ? rows : rows.toSorted((a, b) => standing(a) - standing(b) || a.id - b.id);
}

function standing({ version_key, status }: VersionRow): number {
  if (version_key !== null) return 0;
  return isVisible(status) ? 1 : 2;
}

/** The versions readers see, newest by SemVer first; versions of a taken-over database that are no SemVer come last. */
export const listVisibleVersions = prepared<{ packageId: number }, VersionSummaryRow>((db, { packageId }) =>
  db
    .selectFrom("Versions as v")
    .select(summaryColumns)
    .where("v.package_id", "=", packageId)
    .where("v.status", "in", ["active", "yanked"])
    .orderBy(sql`version_key is null`)
    .orderBy("v.version_key", "desc")
    .orderBy("v.id", "desc"),
);

/** A version by its id. */
export const findVersionById = prepared<{ id: number }, VersionRow>((db, { id }) =>
  db.selectFrom("Versions").selectAll().where("id", "=", id),
);

const selectByKey = prepared<{ packageId: number; versionKey: string }, VersionRow>((db, { packageId, versionKey }) =>
  db.selectFrom("Versions").selectAll().where("package_id", "=", packageId).where("version_key", "=", versionKey),
);

/** The version of a package that takes this place in SemVer's order, build metadata left aside. */
export async function findVersionByKey(
  db: Executor,
  packageId: number,
  versionKey: string,
): Promise<VersionRow | undefined> {
  return (await selectByKey(db, { packageId, versionKey }))[0];
}

const selectCandidate = {
  all: prepared<{ packageId: number }, VersionRow>((db, { packageId }) =>
    candidates(db, packageId).where("grayscale", ">=", sql.lit(1)),
  ),
  some: prepared<{ packageId: number }, VersionRow>((db, { packageId }) =>
    candidates(db, packageId).where("grayscale", ">", sql.lit(0)),
  ),
};

function candidates(db: Executor, packageId: number) {
  return db
    .selectFrom("Versions")
    .selectAll()
    .where("package_id", "=", numberValue(packageId))
    .where("status", "=", sql.lit("active"))
    .where("version_key", "is not", null)
    .orderBy("prerelease", "asc")
    .orderBy("version_key", "desc")
    .limit(sql.lit(1));
}

/** Best version for *latest* among the active ones that are out for everybody (or, if asked so, for anybody at all). */
export async function findLatestCandidate(
  db: Executor,
  packageId: number,
  audience: "all" | "some",
): Promise<VersionRow | undefined> {
  return (await selectCandidate[audience](db, { packageId }))[0];
}

const newColumns = [
  "package_id",
  "version",
  "version_key",
  "prerelease",
  "edition",
  "description",
  "readme",
  "grayscale",
  "manifest",
  "created_at",
  "status",
] as const;

/** Columns of a version that is opened. */
export type NewVersion = Pick<VersionRow, (typeof newColumns)[number]>;

const addVersion = preparedChange<NewVersion>((db, row) => db.insertInto("Versions").values(rowOf(row, newColumns)));

/** Adds a version and says under which id. */
export async function insertVersion(tx: Tx, row: NewVersion): Promise<number> {
  return (await addVersion(tx, row)).insertId;
}

const changeStatus = preparedUpdate<{ id: number; from: string }, VersionValues & { status: string }>(
  (db, { id, from }, set) => db.updateTable("Versions").set(set).where("id", "=", id).where("status", "=", from),
);

type VersionValues = Omit<VersionRow, "id" | "package_id" | "status">;

/**
 * Moves a version from one status to another, with what changes along with it.
 * @returns false when the version is not in that status any more, and nothing was changed
 */
export async function moveVersion(
  tx: Tx,
  { id, from, to }: { id: number; from: string; to: string },
  values: Partial<VersionValues> = {},
): Promise<boolean> {
  return (await changeStatus(tx, { id, from }, { ...values, status: to })).rows === 1;
}

/** Changes what a version says of itself outside its sets. Undefined leaves a text as it is. */
export async function updateDeclaredTexts(
  tx: Tx,
  id: number,
  texts: { description: string | undefined; home: string | undefined },
): Promise<void> {
  if (texts.description !== undefined) {
    await tx.updateTable("Versions").set({ description: texts.description }).where("id", "=", id).execute();
  }
  if (texts.home !== undefined) {
    const [row] = await findVersionById(tx, { id });
    const manifest = JSON.stringify({ ...JSON.parse(row?.manifest ?? "{}"), home: texts.home });
    await tx.updateTable("Versions").set({ manifest }).where("id", "=", id).execute();
  }
}
