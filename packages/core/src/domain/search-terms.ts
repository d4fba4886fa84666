/**
 * Full-text terms, made here and not by an engine, so that every engine finds the same.
 *
 * A word is a run of letters and digits; it is found by its beginning. Han characters have no spaces between words, so a run
 * of them is indexed as overlapping pairs (and its last character alone); it is found by any one, two or more of its characters.
 * Terms are plain ASCII: other characters are written as `_` and their code in hexadecimal, so no engine's folding applies.
 */

/** One thing a search asks for: a beginning of a term, a whole term, or terms that follow each other. */
export type SearchTerm = { kind: "prefix"; term: string } | { kind: "phrase"; terms: readonly string[] };

const runs = /\p{Script=Han}+|[[\p{L}\p{N}]--\p{Script=Han}]+/gv;
const han = /^\p{Script=Han}/u;

/** Longest search text that is looked at, in characters. */
export const maxSearchLength = 200;

/** The terms under which a text is found, in its order. */
export function indexTerms(text: string): string[] {
  return splitRuns(text).flatMap((run) => {
    if (!han.test(run)) return [encodeWord(run)];
    const characters = [...run];
    const pairs = characters.slice(1).map((next, at) => encodeHan(characters[at] + next));
    return [...pairs, encodeHan(characters.at(-1) ?? "")];
  });
}

/** What a search text asks for; every term must be found. Empty for text without a letter or digit. */
export function queryTerms(text: string): SearchTerm[] {
  return splitRuns(text).map((run) => {
    if (!han.test(run)) return { kind: "prefix", term: encodeWord(run) };
    const characters = [...run];
    if (characters.length === 1) return { kind: "prefix", term: encodeHan(run) };
    return { kind: "phrase", terms: characters.slice(1).map((next, at) => encodeHan(characters[at] + next)) };
  });
}

function splitRuns(text: string): string[] {
  const folded = text.normalize("NFKD").replace(/\p{M}/gu, "").normalize("NFC").toLowerCase();
  // Lower case writes a sigma at a word's end in another way, but the end of what is looked for is not the word's.
  return folded.replaceAll("ς", "σ").match(runs) ?? [];
}

function encodeWord(word: string): string {
  return word.replace(/[^a-z0-9]/gu, encodeCharacter);
}

function encodeHan(characters: string): string {
  return [...characters].map(encodeCharacter).join("");
}

function encodeCharacter(character: string): string {
  return `_${(character.codePointAt(0) ?? 0).toString(16).padStart(5, "0")}`;
}
