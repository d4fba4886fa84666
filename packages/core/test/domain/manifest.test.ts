import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Json,
  parseEdition,
  parseHome,
  parseLabels,
  parseMap,
  parseText,
  parseType,
  spellings,
} from "../../src/domain/manifest.ts";
import { refuses } from "./harness.ts";

const services = { maxKeyLength: 100, spelling: spellings.service };
const name = fc
  .string({ unit: "binary", minLength: 1, maxLength: 20 })
  .filter((text) => text.isWellFormed() && !text.includes("\0") && text.trim() !== "");
const value = fc.jsonValue({ noUnicodeString: true, maxDepth: 4 });
const trap = fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "service_nam");

describe("maps", () => {
  test("are the same in all three spellings", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.oneof(name, trap), value), { selector: ([key]) => key, maxLength: 5 }),
        (pairs) => {
          fc.pre(pairs.every(([key, item]) => key !== "service_name" && !JSON.stringify(item).includes("\\u0000")));
          const list = pairs.map(([service_name, permissions]) => ({ service_name, permissions }));
          const asMap = parseMap(Object.fromEntries(pairs), "service", services);
          expect(parseMap(list, "service", services)).toEqual(asMap);
          const [only] = list;
          if (list.length === 1) expect(parseMap(only, "service", services)).toEqual(asMap);
          expect(Object.entries(asMap)).toEqual(JSON.parse(JSON.stringify(Object.entries(Object.fromEntries(pairs)))));
        },
      ),
    );
  });

  test("take the documented object, with or without its value", () => {
    const command = { maxKeyLength: 50, spelling: spellings.command };
    expect({ ...parseMap({ command_name: "deploy", description: "puts it there" }, "command", command) }).toEqual({
      deploy: "puts it there",
    });
    expect({ ...parseMap({ service_name: "fc" }, "service", services) }).toEqual({ fc: null });
    refuses(() => parseMap({ service_name: 7 }, "service", services), "invalid_package", "service");
    expect({ ...parseMap({ service_name: "fc" }, "properties", { maxKeyLength: 50 }) }).toEqual({ service_name: "fc" });
  });

  test("treat names that are traps as plain data, at any depth", () => {
    const source =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}},"a":{"__proto__":{"polluted":3}}}';
    const map = parseMap(JSON.parse(source), "properties", { maxKeyLength: 50 });
    expect(JSON.stringify(map)).toBe(source);
    expect(Object.getPrototypeOf(map)).toBeNull();
    expect(map.polluted).toBeUndefined();
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test("have at most 200 names, of at most so many characters, and 64 KiB", () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 1]));
    expect(Object.keys(parseMap(many(200), "properties", { maxKeyLength: 50 }))).toHaveLength(200);
    refuses(() => parseMap(many(201), "properties", { maxKeyLength: 50 }), "invalid_package", "properties");
    refuses(
      () => parseMap({ ["k".repeat(51)]: 1 }, "properties", { maxKeyLength: 50 }),
      "invalid_package",
      "properties",
    );
    refuses(() => parseMap({ " ": 1 }, "properties", { maxKeyLength: 50 }), "invalid_package", "properties");
    const big = 65_536 - '{"k":""}'.length;
    expect(parseMap({ k: "x".repeat(big) }, "properties", { maxKeyLength: 50 }).k).toHaveLength(big);
    refuses(
      () => parseMap({ k: "x".repeat(big + 1) }, "properties", { maxKeyLength: 50 }),
      "invalid_package",
      "properties",
    );
    refuses(
      () => parseMap({ k: "函".repeat(big / 2) }, "properties", { maxKeyLength: 50 }),
      "invalid_package",
      "properties",
    );
  });

  test("are refused rather than overrun the stack", () => {
    let deep: Json = 1;
    for (let depth = 0; depth < 64; depth += 1) deep = depth % 2 === 0 ? [deep] : { a: deep };
    expect(parseMap({ deep }, "properties", { maxKeyLength: 50 }).deep).toEqual(deep);
    refuses(() => parseMap({ deep: [deep] }, "properties", { maxKeyLength: 50 }), "invalid_package", "properties");
    let bottomless: unknown = [];
    for (let depth = 0; depth < 20_000; depth += 1) bottomless = [bottomless];
    refuses(() => parseMap({ bottomless }, "properties", { maxKeyLength: 50 }), "invalid_package", "properties");
    refuses(() => parseMap(bottomless, "service", services), "invalid_package", "service");
  });

  test("hold well-formed text only", () => {
    const half = "\ud800";
    for (const bad of [{ a: half }, { a: { [half]: 1 } }, { [half]: 1 }, { a: ["\0"] }, { "\0": 1 }]) {
      refuses(() => parseMap(bad, "properties", { maxKeyLength: 50 }), "invalid_package", "properties");
    }
    expect(parseMap({ a: "\\u0000 \\ud800" }, "properties", { maxKeyLength: 50 }).a).toBe("\\u0000 \\ud800");
  });

  test.each([null, undefined, 1, "a", true, [1], [null], [[]], () => 1])("%j is none", (input) => {
    refuses(() => parseMap(input, "service", services), "invalid_package", "service");
  });

  test("hold nothing that JSON cannot", () => {
    const loop: Record<string, unknown> = {};
    loop.loop = loop;
    for (const bad of [undefined, () => 1, Symbol("s"), 1n, loop]) {
      refuses(() => parseMap({ bad }, "properties", { maxKeyLength: 50 }), "invalid_package", "properties");
    }
  });
});

describe("labels", () => {
  test("are a list of different texts, or one", () => {
    expect(parseLabels(["b", " a ", "b", "a"], "tags")).toEqual(["b", "a"]);
    expect(parseLabels("one", "tags")).toEqual(["one"]);
    expect(parseLabels([], "tags")).toEqual([]);
  });

  test("are at most 50 of 1 to 50 characters", () => {
    const names = Array.from({ length: 51 }, (_, at) => `t${at}`);
    expect(parseLabels(names.slice(1), "tags")).toHaveLength(50);
    expect(parseLabels(["x".repeat(50)], "tags")).toHaveLength(1);
    for (const bad of [names, [""], [" "], ["x".repeat(51)], [1], [null], { a: 1 }, 7, null, ["\0"], ["\udc00"]]) {
      refuses(() => parseLabels(bad, "tags"), "invalid_package", "tags");
    }
  });
});

describe("home pages", () => {
  test.each([
    "",
    "https://example.com",
    "HTTP://example.com/a?b=c#d",
    "https://例え.example/ä",
    `https://e.com/${"x".repeat(241)}`,
  ])("%j is one", (text) => {
    expect(parseHome(text)).toBe(text);
  });

  test.each([
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://example.com",
    "//example.com",
    "example.com",
    "https://",
    "https:example.com",
    "https://user:secret@example.com",
    "https://user@example.com",
    "https://exa mple.com",
    "https://example.com/\n",
    "https://example.com/\u0085",
    'https://example.com/"onmouseover=',
    "https://example.com/<b>",
    "https://[::1",
    `https://e.com/${"x".repeat(242)}`,
    1,
    null,
  ])("%j is none", (text) => {
    refuses(() => parseHome(text), "invalid_package", "home");
  });
});

test("types are three", () => {
  for (const type of ["project", "component", "plugin"]) expect(parseType(type)).toBe(type);
  for (const type of ["Project", "", "application", null, 1, ["plugin"]])
    refuses(() => parseType(type), "invalid_package", "type");
});

test("the edition is 3.0.0 unless said otherwise, and short", () => {
  expect(parseEdition(undefined)).toBe("3.0.0");
  expect(parseEdition("2.0.0-rc1")).toBe("2.0.0-rc1");
  for (const bad of ["", "-1", "12345678901", "3 0", 3, null])
    refuses(() => parseEdition(bad), "invalid_package", "edition");
});

test("texts are well-formed, without NUL, and no longer than said", () => {
  expect(parseText("ü\n\t😀", "f", 5)).toBe("ü\n\t😀");
  for (const bad of ["123456", "\0", "\ud800", 1, null, undefined])
    refuses(() => parseText(bad, "f", 5), "invalid_package", "f");
});
