import { type RawBuilder, sql } from "kysely";
import type { SearchTerm } from "../domain/search-terms.ts";
import type { Database } from "../ports/database.ts";
import { prepared } from "./prepared.ts";
import { holdsTerm, isListedUnder, isNameBegunBy, isNamed } from "./search-index.ts";
import { type Viewer, visibleTo } from "./viewers.ts";

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

/** Terms of one search that are counted. */
const countedTerms = 10;

type Condition = RawBuilder<boolean>;

const countPackages = prepared<Record<never, never>, { most: number | null }>((db) =>
  db.selectFrom("Packages").select((eb) => eb.fn.max<number | null>("id").as("most")),
);

/**
 * Ids of the packages that have every term: exact name first, then names that begin with the text, then by downloads, then by
 * name. There are two ways to the same answer. Of a rare term all packages are fetched and sorted. For terms that are all common the
 * catalogue is walked in the order of the answer until there is enough, which is soon; names that begin with the text come before.
 */
export async function listHits(database: Database, filter: SearchFilter): Promise<number[]> {
  const most = filter.offset + filter.limit;
  const [size] = await countPackages(database, {});
  // Where both ways take about as long: a row that is walked past costs a fourth of one that is fetched and sorted.
  const fewRows = Math.ceil(Math.sqrt((most * (size?.most ?? 0)) / 4));
  const rare = await findRare(database, filter.terms, fewRows);
  const found = rare === null ? await walk(database, filter, fewRows) : await sort(database, filter, isRare(rare));
  return found.slice(filter.offset, most);
}

/** The term with the fewest rows, when they are few; null when all that are looked at have more. */
async function findRare(
  database: Database,
  wanted: readonly SearchTerm[],
  fewRows: number,
): Promise<SearchTerm | null> {
  const terms = wanted.flatMap(apart).slice(0, countedTerms);
  const counts = terms.map(
    (term) =>
      sql`select count(*) as found from (select 1 from PackageTerms where ${isListedUnder(term)} limit ${fewRows + 1}) t`,
  );
  const rows = await run<{ found: number }>(database, sql.join(counts, sql` union all `));
  const found = rows.map((row) => Number(row.found));
  const least = Math.min(...found);
  return least > fewRows ? null : (terms[found.indexOf(least)] ?? null);
}

/** Terms that follow each other are listed one by one. */
function apart(term: SearchTerm): SearchTerm[] {
  return term.kind === "prefix" ? [term] : term.terms.map((one) => ({ kind: "phrase", terms: [one] }));
}

function isRare(term: SearchTerm): Condition {
  return sql<boolean>`s.rowid in (select package_id from PackageTerms where ${isListedUnder(term)})`;
}

/** Fetches and sorts all hits that fulfil one more condition, which must be one that an index answers. */
async function sort(database: Database, filter: SearchFilter, narrow: Condition): Promise<number[]> {
  const rows = await run<{ id: number }>(
    database,
    sql`select p.id from PackageSearch s join Packages p on p.id = s.rowid
      where ${narrow} and ${isHit(filter)}
      order by ${isNamed(filter.text)} desc, ${isNameBegunBy(filter.text)} desc, p.downloads_count desc, p.name
      limit ${filter.offset + filter.limit}`,
  );
  return rows.map((row) => row.id);
}

async function walk(database: Database, filter: SearchFilter, fewRows: number): Promise<number[]> {
  const begun = isNameBegunBy(filter.text);
  const [names] = await run<{ found: number }>(
    database,
    sql`select count(*) as found from (select 1 from PackageSearch s where ${begun} limit ${fewRows + 1}) t`,
  );
  const isFew = Number(names?.found) <= fewRows;
  const first = isFew ? await sort(database, filter, begun) : await walkBegun(database, filter, begun);
  const missing = filter.offset + filter.limit - first.length;
  if (missing <= 0) return first;
  return [...first, ...(await walkInOrder(database, filter, { only: sql`not ${begun}`, limit: missing }))];
}

/** Of many names that begin with the text, the one that is the text goes before the walk. */
async function walkBegun(database: Database, filter: SearchFilter, begun: Condition): Promise<number[]> {
  const named = isNamed(filter.text);
  const exact = await sort(database, filter, named);
  const limit = filter.offset + filter.limit - exact.length;
  return [...exact, ...(await walkInOrder(database, filter, { only: sql`${begun} and not ${named}`, limit }))];
}

/** The first hits by downloads and name. The index Packages_order has all that is needed of packages that are no hits. */
async function walkInOrder(
  database: Database,
  filter: SearchFilter,
  { only, limit }: { only: Condition; limit: number },
): Promise<number[]> {
  const tables =
    database.engine === "mysql"
      ? sql`Packages p force index (Packages_order) straight_join PackageSearch s on s.rowid = p.id`
      : sql`Packages p indexed by Packages_order cross join PackageSearch s on s.rowid = p.id`;
  const rows = await run<{ id: number }>(
    database,
    sql`select p.id from ${tables} where ${isHit(filter)} and ${only}
      order by p.downloads_count desc, p.name limit ${limit}`,
  );
  return rows.map((row) => row.id);
}

function isHit({ terms, viewer, hiddenIds }: SearchFilter): Condition {
  const conditions = [sql<boolean>`p.latest_version_id is not null`, ...terms.map(holdsTerm), visibleTo(viewer)];
  if (hiddenIds.length > 0) conditions.push(sql`p.id not in (${sql.join(hiddenIds)})`);
  return sql<boolean>`(${sql.join(conditions, sql` and `)})`;
}

function run<Row>(database: Database, query: RawBuilder<unknown>): Promise<Row[]> {
  return database.select<Row>((query as RawBuilder<Row>).compile(database.reader));
}
