import { type RawBuilder, sql } from "kysely";
import type { SearchTerm } from "../domain/search-terms.ts";
import type { Executor, Tx } from "../ports/database.ts";
import { engineOf } from "./engine.ts";
import { hasTermOnMysql, nameMatchesOnMysql, saveTermsOnMysql } from "./search-mysql.ts";
import { type Viewer, visibleTo } from "./viewers.ts";

/** What the index holds of a package: terms of its texts. Null takes the package out of the index. */
export async function saveSearchTerms(tx: Tx, packageId: number, terms: readonly string[] | null): Promise<void> {
  if (engineOf(tx) === "mysql") return saveTermsOnMysql(tx, packageId, terms);
  await sql`delete from PackageSearch where rowid = ${packageId}`.execute(tx);
  if (terms === null) return;
  await sql`insert into PackageSearch(rowid, terms) values (${packageId}, ${terms.join(" ")})`.execute(tx);
}

/** A package that a search found, with its latest version. */
export interface SearchRow {
  id: number;
  name: string;
  type: string;
  description: string | null;
  visibility: string;
  deprecation: string | null;
  rollouts: number;
  version_id: number;
  version: string;
  version_key: string | null;
  prerelease: number;
  grayscale: number;
  created_at: string;
  published_at: string | null;
  sha256: string | null;
  size: number | null;
}

/** Which packages a search looks for, and which part of the answer. */
export interface SearchFilter {
  terms: readonly SearchTerm[];
  /** The whole search text in lower case: a package of this name comes first, then names that begin so. */
  text: string;
  viewer: Viewer;
  /** Packages that are left out. */
  hiddenIds: readonly number[];
  limit: number;
  offset: number;
}

/** Packages that have every term: exact name first, then names that begin with the text, then by downloads, then by name. */
export async function findPackages(db: Executor, filter: SearchFilter): Promise<SearchRow[]> {
  let query = db
    .selectFrom("Packages as p")
    .innerJoin("Versions as v", "v.id", "p.latest_version_id")
    .select([
      "p.id",
      "p.name",
      "p.type",
      "p.description",
      "p.visibility",
      "p.deprecation",
      "p.rollouts",
      "v.id as version_id",
      "v.version",
      "v.version_key",
      "v.prerelease",
      "v.grayscale",
      "v.created_at",
      "v.published_at",
      "v.sha256",
      "v.size",
    ])
    .where(hasAllTerms(db, filter.terms))
    .where(visibleTo(filter.viewer));
  if (filter.hiddenIds.length > 0) query = query.where("p.id", "not in", [...filter.hiddenIds]);
  return query
    .orderBy(nameMatches(db, filter.text, "is"), "desc")
    .orderBy(nameMatches(db, filter.text, "begins"), "desc")
    .orderBy("p.downloads_count", "desc")
    .orderBy("p.name", "asc")
    .limit(filter.limit)
    .offset(filter.offset)
    .execute();
}

/** True for packages (under the name `p`) whose texts hold every one of the terms, of which there must be some. */
export function hasAllTerms(db: Executor, terms: readonly SearchTerm[]): RawBuilder<boolean> {
  if (engineOf(db) === "mysql") return sql`(${sql.join(terms.map(hasTermOnMysql), sql` and `)})`;
  return sql`p.id in (select rowid from PackageSearch where PackageSearch match ${toMatch(terms)})`;
}

function nameMatches(db: Executor, text: string, match: "is" | "begins"): RawBuilder<boolean> {
  if (engineOf(db) === "mysql") return nameMatchesOnMysql(text, match);
  const name = match === "is" ? sql`lower(p.name)` : sql`substr(lower(p.name), 1, ${[...text].length})`;
  return sql`${name} = ${text}`;
}

/** The terms in FTS5's query language. Terms are plain `a-z0-9_`, so quoting them is enough. */
function toMatch(terms: readonly SearchTerm[]): string {
  return terms.map((term) => (term.kind === "prefix" ? `"${term.term}" *` : `"${term.terms.join(" ")}"`)).join(" AND ");
}
