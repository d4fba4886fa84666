import { type RawBuilder, sql } from "kysely";
import type { SearchTerm } from "../domain/search-terms.ts";
import type { Database } from "../ports/database.ts";
import { numberValue } from "./prepared.ts";
import { holdsTerm, isListedUnder } from "./search-index.ts";
import { listHits, type SearchFilter } from "./search-order.ts";
import { visibleTo } from "./viewers.ts";

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

/** Packages that have every term: exact name first, then names that begin with the text, then by downloads, then by name. */
export async function findPackages(database: Database, filter: SearchFilter): Promise<SearchRow[]> {
  const ids = await listHits(database, filter);
  if (ids.length === 0) return [];
  // A package may have become private since it was listed.
  const query = sql<SearchRow>`
    select p.id, p.name, p.type, p.description, p.visibility, p.deprecation, p.rollouts, v.id as version_id, v.version,
      v.version_key, v.prerelease, v.grayscale, v.created_at, v.published_at, v.sha256, v.size
    from Packages p join Versions v on v.id = p.latest_version_id where p.id in (${sql.join(ids.map(numberValue))})
      and ${visibleTo(filter.viewer)}`;
  const rows = await database.select<SearchRow>(query.compile(database.reader));
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

/** True for packages (under the name `p`) whose texts hold every one of the terms, of which there must be some. */
export function hasAllTerms(terms: readonly SearchTerm[]): RawBuilder<boolean> {
  return sql`(${sql.join(terms.map(hasTerm), sql` and `)})`;
}

function hasTerm(term: SearchTerm): RawBuilder<boolean> {
  return sql`p.id in (
    select s.rowid from PackageTerms t join PackageSearch s on s.rowid = t.package_id
    where ${isListedUnder(term)} and ${holdsTerm(term)}
  )`;
}
