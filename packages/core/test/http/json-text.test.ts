import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RegistryError } from "../../src/errors.ts";
import { checkJsonText, checkJsonValue } from "../../src/http/json-text.ts";

const refused = (work: () => void) => expect(work).toThrow(RegistryError);

/** JSON spelled in ways that `JSON.stringify` never spells it: spaces anywhere, escapes for any character. */
function spell(value: unknown, isEscaped: boolean): string {
  const blank = isEscaped ? " \n\t\r" : "";
  if (Array.isArray(value)) return `[${blank}${value.map((item) => spell(item, isEscaped)).join(`${blank},${blank}`)}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(
      ([name, item]) => `${spell(name, isEscaped)}${blank}:${blank}${spell(item, isEscaped)}`,
    );
    return `{${blank}${members.join(`${blank},`)}${blank}}`;
  }
  if (typeof value !== "string" || !isEscaped) return JSON.stringify(value);
  const units = Array.from({ length: value.length }, (_, at) => value.charCodeAt(at).toString(16).padStart(4, "0"));
  return `"${units.map((unit) => `\\u${unit}`).join("")}"`;
}

/** What the scanner must not find in a value, found by walking through it. */
function isOdd(value: unknown): boolean {
  if (typeof value === "string") return value.includes("\0") || !value.isWellFormed();
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([name, item]) => (!Array.isArray(value) && isOdd(name)) || isOdd(item));
}

const text = fc.string({
  unit: fc.constantFrom("a", '"', "\\", "{", "}", "[", "]", ":", ",", " ", "\0", "é", "😀", "\ud83d", "\ude00"),
});
const json = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 5 }, text, fc.double(), fc.boolean(), fc.constant(null), tie("list"), tie("map")),
  list: fc.array(tie("value"), { maxLength: 4 }),
  map: fc.dictionary(text, tie("value"), { maxKeys: 4 }),
})).value;

describe("checkJsonText", () => {
  test("takes what JSON.parse understands, however it is spelled, and nothing with NUL or half a character", () => {
    fc.assert(
      fc.property(json, fc.boolean(), (value, isEscaped) => {
        const spelled = spell(value, isEscaped);
        const parsed = JSON.parse(spelled);
        if (isOdd(parsed)) refused(() => checkJsonText(spelled));
        else expect(() => checkJsonText(spelled)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  test("finds a name that stands twice, at any place and however it is spelled", () => {
    const name = fc.string({ unit: "grapheme-ascii", maxLength: 5 });
    fc.assert(
      fc.property(fc.array(name, { maxLength: 6 }), fc.boolean(), fc.nat(3), (names, isEscaped, depth) => {
        const members = names.map((one, at) => `${spell(one, isEscaped && at % 2 === 0)}:${at}`).join();
        const spelled = `${'{"in":['.repeat(depth)}{${members}}${"]}".repeat(depth)}`;
        const isUnique = new Set(names).size === names.length;
        if (isUnique) expect(() => checkJsonText(spelled)).not.toThrow();
        else refused(() => checkJsonText(spelled));
      }),
      { numRuns: 500 },
    );
  });

  test("the same name may stand in objects beside each other and inside each other", () => {
    checkJsonText('{"a":{"a":[{"a":1},{"a":2}]},"b":{"a":"a"}}');
    checkJsonText('{"a":{"b":1},"b":[{"c":1}],"c":2}');
    checkJsonText(`[${"[],{},".repeat(100)}1]`);
    for (const text of ['{"a":{"b":1},"a":2}', '{"a":1,"b":[{"a":1}],"a":2}']) refused(() => checkJsonText(text));
  });

  test("counts levels and members, in one pass", () => {
    checkJsonText(`${"[".repeat(70)}${"]".repeat(70)}`);
    refused(() => checkJsonText(`${"[".repeat(71)}${"]".repeat(71)}`));
    refused(() => checkJsonText(`${'{"a":'.repeat(71)}1${"}".repeat(71)}`));
    const members = (count: number) => Array.from({ length: count }, (_, at) => `"${at}":1`).join();
    checkJsonText(`{${members(50_000)}}`);
    refused(() => checkJsonText(`[{${members(25_000)}},{${members(25_001)}}]`));
    const before = performance.now();
    checkJsonText(JSON.stringify('\\"'.repeat(250_000)));
    checkJsonText(`[${'"\\\\",'.repeat(200_000)}1]`);
    expect(performance.now() - before).toBeLessThan(2000);
  });
});

test("what a host's parser made of the text is checked too", () => {
  expect(() => checkJsonValue({ a: [1, "x", null] })).not.toThrow();
  refused(() => checkJsonValue({ a: ["\ud800"] }));
  refused(() => checkJsonValue({ "a\0": 1 }));
  let deep: unknown = [];
  for (let level = 0; level < 100; level += 1) deep = [deep];
  refused(() => checkJsonValue(deep));
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  refused(() => checkJsonValue(deep));
});
