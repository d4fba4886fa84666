import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { indexTerms, queryTerms, type SearchTerm } from "../../src/domain/search-terms.ts";

/** What a full-text engine makes of terms: `prefix` is a beginning of any, `phrase` stands there in a row. */
function finds(text: string, query: string): boolean {
  const terms = indexTerms(text);
  const wanted = queryTerms(query);
  return wanted.length > 0 && wanted.every((term) => holds(terms, term));
}

function holds(terms: readonly string[], wanted: SearchTerm): boolean {
  if (wanted.kind === "prefix") return terms.some((term) => term.startsWith(wanted.term));
  return terms.some((_, at) => wanted.terms.every((term, offset) => terms[at + offset] === term));
}

const wordLetters = fc.constantFrom(..."abzABZ019éÄñßøжЩΣσςλあカ한กँक");
const words = fc.array(fc.string({ unit: wordLetters, minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 });
const hanCharacter = fc.constantFrom(..."阿里云函数计算组件部署中国人々〇𠀀𠮷");
const hanRun = fc.string({ unit: hanCharacter, minLength: 1, maxLength: 8 });

describe("a search", () => {
  test("finds a word by every beginning of it", () => {
    fc.assert(
      fc.property(words, fc.nat(), fc.nat(), (list, which, length) => {
        const word = [...(list[which % list.length] ?? "")];
        const beginning = word.slice(0, 1 + (length % word.length)).join("");
        // A mark alone says nothing.
        fc.pre(queryTerms(beginning).length > 0);
        expect(finds(list.join(" - "), beginning)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("finds no piece inside a word", () => {
    expect(finds("serverless", "less")).toBe(false);
    expect(finds("serverless", "erver")).toBe(false);
    expect(finds("serverless", "server")).toBe(true);
    const distinct = fc.shuffledSubarray([..."abcdefghjkmnpqrstuvwxyz0123456789"], { minLength: 3, maxLength: 12 });
    fc.assert(
      fc.property(distinct, fc.nat(), (letters, from) => {
        const start = 1 + (from % (letters.length - 1));
        expect(finds(letters.join(""), letters.slice(start).join(""))).toBe(false);
      }),
    );
  });

  test("finds a text by any run of its Han characters", () => {
    fc.assert(
      fc.property(hanRun, fc.nat(), fc.nat(), (run, from, length) => {
        const characters = [...run];
        const start = from % characters.length;
        const part = characters.slice(start, start + 1 + (length % characters.length)).join("");
        expect(finds(`fc ${run}, v3`, part)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("finds Han characters only as they stand together", () => {
    fc.assert(
      fc.property(hanRun, hanRun, (text, query) => {
        expect(finds(text, query)).toBe(text.normalize("NFKC").includes(query.normalize("NFKC")));
      }),
      { numRuns: 500 },
    );
    expect(finds("函数 计算", "数计")).toBe(false);
  });

  test("separates Han characters from the letters beside them", () => {
    expect(finds("阿里云fc组件v3", "fc")).toBe(true);
    expect(finds("阿里云fc组件v3", "云fc组")).toBe(true);
    expect(finds("阿里云fc组件v3", "里组")).toBe(false);
  });

  test("asks for every word", () => {
    expect(finds("alpha beta gamma", "gam alp")).toBe(true);
    expect(finds("alpha beta gamma", "alpha delta")).toBe(false);
  });

  test.each(["%", "_", "*", '"', "\\", "' OR 1=1", "NEAR(a b)", "a* OR b", "(", "^a", "a:b", "{a b}"])(
    "takes %s for no operator",
    (text) => {
      for (const term of queryTerms(text)) {
        const parts = term.kind === "prefix" ? [term.term] : term.terms;
        for (const part of parts) expect(part).toMatch(/^[a-z0-9_]+$/);
      }
      expect(queryTerms('% _ * " \\ - ^ : ( ) { }')).toEqual([]);
    },
  );

  test("has plain terms only, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        for (const term of indexTerms(text)) expect(term).toMatch(/^[a-z0-9_]+$/);
      }),
    );
  });

  test.each([
    ["Straße Café", "CAFE"],
    ["cafe", "café"],
    ["ＦＵＮＣＴＩＯＮ", "function"],
    ["function", "ｆｕｎｃ"],
    ["Ångström", "angstrom"],
    ["ﬁle", "file"],
    ["①", "1"],
    ["ΟΔΟΣ", "οδος"],
    ["ΟΔΟΣΑ", "ΟΔΟΣ"],
    ["ｱｲｳ", "アイ"],
    ["İstanbul", "istan"],
    ["\u2f00", "一"],
  ])("in %s finds %s: case, width and accents are alike", (text, query) => {
    expect(finds(text, query)).toBe(true);
  });

  test("keeps other letters apart", () => {
    for (const [text, query] of [
      ["résumé", "resuma"],
      ["ж", "з"],
      ["a", "а"],
      ["中", "国"],
    ] as const)
      expect(finds(text, query)).toBe(false);
  });
});
