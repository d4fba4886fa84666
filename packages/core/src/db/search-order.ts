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

/** Terms whose packages are brought together: the rarest ones leave little for more to take away. */
const joinedTerms = 3;

type Condition = RawBuilder<boolean>;

const countPackages = prepared<Record<never, never>, { most: number | null }>((db) =>
  db.selectFrom("Packages").select((eb) => eb.fn.max<number | null>("id").as("most")),
);

/**
 * Ids of the packages that have every term: exact name first, then names that begin with the text, then by downloads, then by
 * name. There are three ways to the same answer. Of a rare term all packages are fetched and sorted. For terms that are all common the
 * catalogue is walked in the order of the answer until there is enough, which is soon; names that begin with the text come before.
 * Where it is not, since common terms seldom stand together, the packages that the index lists under all of them are sorted.
 */
export async function listHits(database: Database, filter: SearchFilter): Promise<number[]> {
  const most = filter.offset + filter.limit;
  const [size] = await countPackages(database, {});
  const packages = size?.most ?? 0;
  // Where both ways take about as long: a row that is walked past costs a fourth of one that is fetched and sorted.
  const fewRows = Math.ceil(Math.sqrt((most * packages) / 4));
  const terms = filter.terms.flatMap(apart).slice(0, countedTerms);
  const [rarest] = await countTerms(database, terms, fewRows + 1);
  const found =
    rarest !== undefined && rarest.rows <= fewRows
      ? await sort(database, filter, listedUnderAll(database, [rarest.term]))
      : await listCommon(database, filter, { terms, packages, fewRows });
  return found.slice(filter.offset, most);
}

/** How large the catalogue is, and what is few in it. */
interface Catalogue {
  packages: number;
  fewRows: number;
}

async function listCommon(
  database: Database,
  filter: SearchFilter,
  { terms, packages, fewRows }: Catalogue & { terms: readonly SearchTerm[] },
): Promise<number[]> {
  const first = await listBegun(database, filter, fewRows);
  const missing = filter.offset + filter.limit - first.length;
  if (missing <= 0) return first;
  const only = sql<boolean>`not ${isNameBegunBy(filter.text)}`;
  const walkOn = async (some?: { rows: number }) => [
    ...first,
    ...(await walk(database, filter, { only, limit: missing, ...some })),
  ];
  if (terms.length < 2) return walkOn();
  const begin = await walkOn({ rows: 4 * fewRows });
  const found = begin.length - first.length;
  if (found >= missing) return begin;
  // Some are missing: the walk will hardly be long.
  if (found >= missing / 4) return walkOn();
  const counted = await countTerms(database, terms, Math.ceil(packages / 4));
  const rarest = counted.slice(0, joinedTerms).map(({ term }) => term);
  return sort(database, filter, listedUnderAll(database, rarest));
}

interface CountedTerm {
  term: SearchTerm;
  rows: number;
}

/** The terms by their rows in the index, the fewest first; no more than `most` are counted of each. */
async function countTerms(database: Database, terms: readonly SearchTerm[], most: number): Promise<CountedTerm[]> {
  const counts = terms.map(
    (term) =>
      sql`select count(*) as found from (select 1 from PackageTerms where ${isListedUnder(term)} limit ${most}) t`,
  );
  const rows = await run<{ found: number }>(database, sql.join(counts, sql` union all `));
  return terms.map((term, at) => ({ term, rows: Number(rows[at]?.found) })).sort((a, b) => a.rows - b.rows);
}

/** Terms that follow each other are listed one by one. */
function apart(term: SearchTerm): SearchTerm[] {
  return term.kind === "prefix" ? [term] : term.terms.map((one) => ({ kind: "phrase", terms: [one] }));
}

/** Packages that are looked at one by one, as rows of PackageSearch `s`. */
interface Candidates {
  from: RawBuilder<unknown>;
  only: Condition;
}

function those(only: Condition): Candidates {
  return { from: sql`PackageSearch s`, only };
}

/** Packages that the index lists under each of the terms, which are brought together in the index alone. */
function listedUnderAll(database: Database, terms: readonly SearchTerm[]): Candidates {
  // Left to itself, MySQL walks the other index of this table, or that of the order.
  const primary = database.engine === "mysql" && terms.length > 1 ? sql`force index (primary)` : sql``;
  const ids = terms.reduce<RawBuilder<unknown> | null>((others, term) => {
    const both = others === null ? sql`` : sql`and package_id in (${others})`;
    return sql`select package_id from PackageTerms ${primary} where ${isListedUnder(term)} ${both}`;
  }, null);
  const from = sql`(select distinct package_id from (${ids}) i) t ${joined(database)} PackageSearch s on s.rowid = t.package_id`;
  return { from, only: sql<boolean>`1 = 1` };
}

/** Joins what follows to each row of what comes before, whatever the planner thinks. */
function joined({ engine }: Database): RawBuilder<unknown> {
  return engine === "mysql" ? sql`straight_join` : sql`cross join`;
}

/** Fetches and sorts all hits among some packages, which an index must find. */
async function sort(database: Database, filter: SearchFilter, { from, only }: Candidates): Promise<number[]> {
  const rows = await run<{ id: number }>(
    database,
    sql`select p.id from ${from} ${joined(database)} Packages p on p.id = s.rowid
      where ${only} and ${isHit(filter)}
      order by ${isNamed(filter.text)} desc, ${isNameBegunBy(filter.text)} desc, p.downloads_count desc, p.name
      limit ${filter.offset + filter.limit}`,
  );
  return rows.map((row) => row.id);
}

/** The first hits among names that begin with the text. */
async function listBegun(database: Database, filter: SearchFilter, fewRows: number): Promise<number[]> {
  const begun = isNameBegunBy(filter.text);
  const [names] = await run<{ found: number }>(
    database,
    sql`select count(*) as found from (select 1 from PackageSearch s where ${begun} limit ${fewRows + 1}) t`,
  );
  if (Number(names?.found) === 0) return [];
  if (Number(names?.found) <= fewRows) return sort(database, filter, those(begun));
  // Of many, the one that is the text goes before the walk.
  const named = isNamed(filter.text);
  const exact = await sort(database, filter, those(named));
  const limit = filter.offset + filter.limit - exact.length;
  return [...exact, ...(await walk(database, filter, { only: sql`${begun} and not ${named}`, limit }))];
}

/** What to look for on a walk. */
interface Walk {
  only: Condition;
  /** Hits that are enough. */
  limit: number;
  /** Packages that are looked at; left out: all. */
  rows?: number;
}

/** The first hits by downloads and name. The index Packages_order has all that is needed of packages that are no hits. */
async function walk(database: Database, filter: SearchFilter, { only, limit, rows }: Walk): Promise<number[]> {
  const inOrder = database.engine === "mysql" ? sql`force index (Packages_order)` : sql`indexed by Packages_order`;
  const order = sql`order by p.downloads_count desc, p.name`;
  const packages =
    rows === undefined
      ? sql`Packages p ${inOrder}`
      : sql`(select p.id, p.name, p.downloads_count, p.visibility, p.latest_version_id
          from Packages p ${inOrder} ${order} limit ${rows}) p`;
  const found = await run<{ id: number }>(
    database,
    sql`select p.id from ${packages} ${joined(database)} PackageSearch s on s.rowid = p.id
      where ${isHit(filter)} and ${only} ${order} limit ${limit}`,
  );
  return found.map((row) => row.id);
}

function isHit({ terms, viewer, hiddenIds }: SearchFilter): Condition {
  const conditions = [sql<boolean>`p.latest_version_id is not null`, ...terms.map(holdsTerm), visibleTo(viewer)];
  if (hiddenIds.length > 0) conditions.push(sql`p.id not in (${sql.join(hiddenIds)})`);
  return sql<boolean>`(${sql.join(conditions, sql` and `)})`;
}

function run<Row>(database: Database, query: RawBuilder<unknown>): Promise<Row[]> {
  return database.select<Row>((query as RawBuilder<Row>).compile(database.reader));
}
