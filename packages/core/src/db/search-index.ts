import { type RawBuilder, sql } from "kysely";
import type { SearchTerm } from "../domain/search-terms.ts";
import type { Executor, Tx } from "../ports/database.ts";
import { prepared, textValue } from "./prepared.ts";

/** Characters of a term that PackageTerms holds; the rest is compared in what was found. */
const indexedLength = 100;

/** Rows that are added or removed in one statement. */
const rowsPerStatement = 500;

/** Comes after every character that a name or a term can go on with. */
const lastCharacter = "\u{10ffff}";

/** What the search index holds of a package. */
export interface SearchEntry {
  name: string;
  /** Terms of its texts, in their order. */
  terms: readonly string[];
}

const selectEntry = prepared<{ packageId: number }, SearchEntryRow>((db, { packageId }) =>
  db.selectFrom("PackageSearch").select(["name", "terms"]).where("rowid", "=", packageId),
);

/**
 * Replaces what the search index holds of a package; null takes it out. PackageTerms has each term once, PackageSearch all of
 * them in their order. Both are plain tables on every engine, so that a search sees what is committed, finds beginnings by
 * an index, and can look at one package's terms.
 */
export async function saveSearchEntry(tx: Tx, packageId: number, entry: SearchEntry | null): Promise<void> {
  const [before] = await selectEntry(tx, { packageId });
  const row = entry === null ? null : rowOf(entry);
  // Most changes of a package leave its texts as they are.
  if (before?.name === row?.name && before?.terms === row?.terms) return;
  if (before !== undefined) {
    const listed = startsOf(before.terms.trim().split(" "));
    for (const some of chunks(listed))
      await tx.deleteFrom("PackageTerms").where("term", "in", some).where("package_id", "=", packageId).execute();
    await tx.deleteFrom("PackageSearch").where("rowid", "=", packageId).execute();
  }
  if (entry === null || row === null) return;
  await tx
    .insertInto("PackageSearch")
    .values({ rowid: packageId, ...row })
    .execute();
  for (const some of chunks(startsOf(entry.terms))) {
    const rows = some.map((term) => ({ term, package_id: packageId }));
    await tx.insertInto("PackageTerms").values(rows).execute();
  }
}

function rowOf({ name, terms }: SearchEntry): SearchEntryRow {
  return { name: inSmallLetters(name), terms: ` ${terms.join(" ")} ` };
}

interface SearchEntryRow {
  name: string;
  terms: string;
}

/** Whether the search index holds just this of a package; null: nothing. */
export async function holdsSearchEntry(db: Executor, packageId: number, entry: SearchEntry | null): Promise<boolean> {
  const [row] = await selectEntry(db, { packageId });
  const expected = entry === null ? undefined : rowOf(entry);
  if (row?.name !== expected?.name || row?.terms !== expected?.terms) return false;
  for (const some of chunks(startsOf(entry?.terms ?? []))) {
    const listed = await db
      .selectFrom("PackageTerms")
      .select((eb) => eb.fn.countAll().as("count"))
      .where("term", "in", some)
      .where("package_id", "=", packageId)
      .executeTakeFirstOrThrow();
    if (Number(listed.count) !== some.length) return false;
  }
  return true;
}

/** Takes out of the search index what it holds of a package and ought to hold, whether it is whole or not. */
export async function clearSearchEntry(tx: Tx, packageId: number, entry: SearchEntry | null): Promise<void> {
  await saveSearchEntry(tx, packageId, null);
  for (const some of chunks(startsOf(entry?.terms ?? [])))
    await tx.deleteFrom("PackageTerms").where("term", "in", some).where("package_id", "=", packageId).execute();
}

function startsOf(terms: readonly string[]): string[] {
  return [...new Set(terms.map((term) => term.slice(0, indexedLength)))].sort();
}

function* chunks(terms: readonly string[]): Generator<string[]> {
  for (let at = 0; at < terms.length; at += rowsPerStatement) yield terms.slice(at, at + rowsPerStatement);
}

/** True for rows of PackageTerms by which packages with a term, and few others, are found. */
export function isListedUnder(wanted: SearchTerm): RawBuilder<boolean> {
  if (wanted.kind === "phrase") return sql<boolean>`term = ${textValue(wanted.terms[0] ?? "")}`;
  const start = wanted.term.slice(0, indexedLength);
  return sql<boolean>`term >= ${textValue(start)} and term < ${textValue(`${start}${lastCharacter}`)}`;
}

/** True for packages whose row of PackageSearch (under the name `s`) holds a term: a beginning, or terms that follow each other. */
export function holdsTerm(wanted: SearchTerm): RawBuilder<boolean> {
  const text = wanted.kind === "prefix" ? ` ${wanted.term}` : ` ${wanted.terms.join(" ")} `;
  return sql<boolean>`instr(s.terms, ${text}) > 0`;
}

/** True for packages (`s` as above) whose name, in small letters, is this text. */
export function isNamed(text: string): RawBuilder<boolean> {
  return sql<boolean>`s.name = ${textValue(text)}`;
}

/** True for packages (`s` as above) whose name, in small letters, begins with this text. */
export function isNameBegunBy(text: string): RawBuilder<boolean> {
  return sql<boolean>`(s.name >= ${textValue(text)} and s.name < ${textValue(`${text}${lastCharacter}`)})`;
}

/** Only the capital letters that names may have are written small: beyond ASCII, engines disagree. */
function inSmallLetters(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
