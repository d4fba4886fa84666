import { type RawBuilder, sql } from "kysely";
import type { SearchTerm } from "../domain/search-terms.ts";
import type { Tx } from "../ports/database.ts";

/** Characters of a term that the index holds; the rest is compared in what was found. */
const indexedLength = 100;

/** Rows that are added in one statement. */
const rowsPerInsert = 500;

/**
 * Replaces what the index holds of a package: each term once in PackageTerms, and all of them in their order in PackageSearch.
 * Both are tables like all others, so that a search sees what is committed and an index finds a term's beginning.
 */
export async function saveTermsOnMysql(tx: Tx, packageId: number, terms: readonly string[] | null): Promise<void> {
  const text = terms === null ? null : ` ${terms.join(" ")} `;
  const before = await tx.selectFrom("PackageSearch").select("terms").where("rowid", "=", packageId).executeTakeFirst();
  // Most changes of a package leave its texts as they are.
  if ((before?.terms ?? null) === text) return;
  await sql`delete from PackageTerms where package_id = ${packageId}`.execute(tx);
  await tx.deleteFrom("PackageSearch").where("rowid", "=", packageId).execute();
  if (terms === null || text === null) return;
  await tx.insertInto("PackageSearch").values({ rowid: packageId, terms: text }).execute();
  const starts = [...new Set(terms.map((term) => term.slice(0, indexedLength)))].sort();
  for (let at = 0; at < starts.length; at += rowsPerInsert) {
    const rows = starts.slice(at, at + rowsPerInsert).map((term) => sql`(${term}, ${packageId})`);
    await sql`insert into PackageTerms (term, package_id) values ${sql.join(rows)}`.execute(tx);
  }
}

/** True for packages (under the name `p`) that have a term. */
export function hasTermOnMysql(wanted: SearchTerm): RawBuilder<boolean> {
  if (wanted.kind === "prefix") {
    const start = wanted.term.slice(0, indexedLength);
    // All characters of terms come before `{`.
    const found = isListed(sql`term >= ${start} and term < ${`${start}{`}`);
    return start === wanted.term ? found : sql`(${found} and ${isInOrder(` ${wanted.term}`)})`;
  }
  const found = wanted.terms.map((term) => isListed(sql`term = ${term}`));
  const all = sql<boolean>`(${sql.join(found, sql` and `)})`;
  return found.length === 1 ? all : sql`(${all} and ${isInOrder(` ${wanted.terms.join(" ")} `)})`;
}

/**
 * True for packages whose name, capital ASCII letters written small, is this text or begins with it: SQLite's `lower` knows
 * those letters only, and MySQL's knows all. The first comparison is cheap and lets through few that the second one refuses.
 */
export function nameMatchesOnMysql(text: string, match: "is" | "begins"): RawBuilder<boolean> {
  const name = match === "is" ? sql`p.name` : sql`substr(p.name, 1, ${[...text].length})`;
  const small = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"].reduce(
    (inner, letter) => sql`replace(${inner}, ${sql.lit(letter)}, ${sql.lit(letter.toLowerCase())})`,
    name,
  );
  return sql<boolean>`(${name} collate utf8mb4_general_ci = ${text} and ${small} = ${text})`;
}

function isListed(condition: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql<boolean>`p.id in (select package_id from PackageTerms where ${condition})`;
}

/** True where the terms follow each other just so. */
function isInOrder(text: string): RawBuilder<boolean> {
  return sql<boolean>`exists (select 1 from PackageSearch s where s.rowid = p.id and instr(s.terms, ${text}) > 0)`;
}
