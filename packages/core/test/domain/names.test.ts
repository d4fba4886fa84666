import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldName, parsePackageName } from "../../src/domain/names.ts";
import { reservedNames } from "../../src/domain/reserved-names.ts";
import { refuses } from "./harness.ts";

const letter = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
const wordCharacter = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
const separator = fc.constantFrom("-", "_", ".");
const word = fc.string({ unit: wordCharacter, minLength: 1, maxLength: 8 });

/** Names by the rule's words: a letter first, then words with single separators between. */
const grammatical = fc
  .tuple(
    letter,
    fc.string({ unit: wordCharacter, maxLength: 8 }),
    fc.array(fc.tuple(separator, word), { maxLength: 5 }),
  )
  .map(([first, rest, others]) => first + rest + others.map(([mark, text]) => mark + text).join(""));

const reservedKeys = new Set([...reservedNames].map(foldName));
const allowed = grammatical.filter((name) => !reservedKeys.has(foldName(name)));

describe("package names", () => {
  test("of the grammar are taken as they are", () => {
    fc.assert(
      fc.property(allowed, (name) => {
        expect(parsePackageName(name)).toBe(name);
      }),
    );
  });

  test("have at most 64 characters and at least one", () => {
    expect(parsePackageName("z")).toBe("z");
    expect(parsePackageName("a".repeat(64))).toHaveLength(64);
    refuses(() => parsePackageName("a".repeat(65)), "invalid_package", "name");
    refuses(() => parsePackageName(""), "invalid_package", "name");
  });

  test.each([
    ["1st"],
    ["-a"],
    ["a-"],
    ["a--b"],
    ["a.-b"],
    ["a b"],
    ["a/b"],
    ["../a"],
    ["a\n"],
    ["a\0"],
    ["a%2fb"],
    ["fc\u0430"],
    ["\uff41bc"],
    ["a\u200d"],
    ["@scope/a"],
    [7],
    [null],
    [undefined],
    [["a"]],
    [{}],
  ])("%j is none", (name) => {
    refuses(() => parsePackageName(name), "invalid_package", "name");
  });

  test("with any other character, or a separator in the wrong place, are refused", () => {
    const broken = fc.oneof(
      fc
        .tuple(allowed, fc.string({ unit: "binary", minLength: 1, maxLength: 3 }), allowed)
        .map(([a, b, c]) => a + b + c),
      fc.tuple(allowed, separator).map(([a, b]) => a + b),
      fc.tuple(separator, allowed).map(([a, b]) => a + b),
    );
    fc.assert(
      fc.property(broken, (name) => {
        fc.pre(!/^[A-Za-z][A-Za-z0-9]*(?:[-_.][A-Za-z0-9]+)*$/.test(name));
        refuses(() => parsePackageName(name), "invalid_package", "name");
      }),
    );
  });
});

describe("reserved names", () => {
  const decided = [
    ..."register login logout refresh_token change_password releases upload search whoami providers tags audit".split(
      " ",
    ),
    ..."tokens api_keys openapi.json healthz readyz metrics v1 v2 v3 simple center common package packages".split(" "),
    ..."user users admin api docs static assets webhooks events resolve keys .well-known - latest".split(" "),
    ..."__proto__ constructor toString valueOf hasOwnProperty isPrototypeOf null undefined".split(" "),
  ];

  test("hold every name that was decided on", () => {
    for (const name of decided) expect(reservedKeys, name).toContain(foldName(name));
  });

  test("are refused in any case and with any separators", () => {
    const disguised = fc
      .tuple(
        fc.constantFrom(...decided),
        fc.infiniteStream(fc.boolean()),
        fc.infiniteStream(fc.constantFrom("", "-", "_", ".")),
      )
      .map(([name, upper, marks]) =>
        [...name.replace(/[-_.]/g, "")]
          .map(
            (character, at) =>
              (at === 0 ? "" : marks.next().value) + (upper.next().value ? character.toUpperCase() : character),
          )
          .join(""),
      );
    fc.assert(fc.property(disguised, (name) => refuses(() => parsePackageName(name), "invalid_package", "name")));
  });
});

describe("folding", () => {
  const lookAlikes: Record<string, string> = { o: "oO0", "0": "oO0", l: "lLiI1", i: "lLiI1", "1": "lLiI1" };

  test("makes names equal that differ in case, separators and look-alikes", () => {
    const pair = fc.tuple(allowed, fc.infiniteStream(fc.nat())).map(([name, choice]) => {
      const other = [...name].map((character) => {
        const others = lookAlikes[character.toLowerCase()] ?? character.toLowerCase() + character.toUpperCase();
        return others[choice.next().value % others.length];
      });
      return [name, other.join("").replace(/[-_.]/g, () => "-_."[choice.next().value % 3] ?? "")] as const;
    });
    fc.assert(
      fc.property(pair, ([name, other]) => {
        expect(foldName(other)).toBe(foldName(name));
      }),
    );
  });

  test("keeps names apart that differ in anything else", () => {
    const plain = fc.string({
      unit: fc.constantFrom(..."abcdefghjkmnpqrstuvwxyz23456789"),
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(plain, plain, (a, b) => {
        expect(foldName(a) === foldName(b)).toBe(a === b);
      }),
    );
  });

  test("is the same when done twice", () => {
    fc.assert(
      fc.property(grammatical, (name) => {
        expect(foldName(foldName(name))).toBe(foldName(name));
      }),
    );
  });
});
