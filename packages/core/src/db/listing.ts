import { type RawBuilder, sql } from "kysely";
import type { SearchTerm } from "../domain/search-terms.ts";
import type { Executor } from "../ports/database.ts";
import { engineOf } from "./engine.ts";
import { hasAllTerms } from "./search.ts";
import { type Viewer, visibleTo } from "./viewers.ts";

/** A package in a list, and what its latest version says of itself. */
export interface ListedRow {
  id: number;
  name: string;
  type: string;
  description: string | null;
  downloads_count: number;
  visibility: string;
  version: string;
  published_at: string | null;
  created_at: string;
  manifest: string | null;
}

/** Which packages are listed: those that fit all that is given. */
export interface ListFilter {
  viewer: Viewer;
  /** Empty: whatever their texts. */
  terms: readonly SearchTerm[];
  type?: string | undefined;
  category?: string | undefined;
  tag?: string | undefined;
  /** A user who must have a role in the package. */
  memberId?: number | undefined;
  hiddenIds: readonly number[];
  limit: number;
  offset: number;
}

/** Packages with a latest version, the most downloaded first, then by name. */
export async function listPackages(db: Executor, filter: ListFilter): Promise<ListedRow[]> {
  const { terms, type, category, tag, memberId, hiddenIds } = filter;
  let query = db
    .selectFrom("Packages as p")
    .innerJoin("Versions as v", "v.id", "p.latest_version_id")
    .select(["p.id", "p.name", "p.type", "p.description", "p.downloads_count", "p.visibility"])
    .select(["v.version", "v.published_at", "v.created_at", "v.manifest"])
    .where(visibleTo(filter.viewer));
  if (terms.length > 0) query = query.where(hasAllTerms(terms));
  if (type !== undefined) query = query.where("p.type", "=", type);
  if (category !== undefined) query = query.where(categoryOf(db), "=", category);
  if (tag !== undefined) query = query.where(hasTag(tag));
  if (memberId !== undefined) query = query.where(hasMember(memberId));
  if (hiddenIds.length > 0) query = query.where("p.id", "not in", [...hiddenIds]);
  return query
    .orderBy("p.downloads_count", "desc")
    .orderBy("p.name", "asc")
    .limit(filter.limit)
    .offset(filter.offset)
    .execute();
}

/** Every category that the latest version of a public package names, by name. */
export async function listCategories(db: Executor): Promise<string[]> {
  const rows = await db
    .selectFrom("Packages as p")
    .innerJoin("Versions as v", "v.id", "p.latest_version_id")
    .select(categoryOf(db).as("name"))
    .distinct()
    .where("p.visibility", "=", "public")
    .execute();
  return rows.flatMap(({ name }) => (name === null || name === "" ? [] : [name])).toSorted();
}

function categoryOf(db: Executor): RawBuilder<string | null> {
  if (engineOf(db) === "mysql") return sql`json_unquote(json_extract(v.manifest, '$.category'))`;
  return sql`json_extract(v.manifest, '$.category')`;
}

function hasTag(tag: string): RawBuilder<boolean> {
  return sql`exists (select 1 from PackageTags l join Tags t on t.id = l.tag_id where l.package_id = p.id and t.name = ${tag})`;
}

function hasMember(userId: number): RawBuilder<boolean> {
  return sql`exists (select 1 from PackageMaintainers o where o.package_id = p.id and o.user_id = ${userId})`;
}
