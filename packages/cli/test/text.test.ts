import fc from "fast-check";
import { expect, test } from "vitest";
import { bytes, columns, printable, renderLine, toJson } from "../src/text.ts";

const plain = (_style: string, text: string) => text;

test("no text from outside holds what a terminal obeys", () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
  const obeyed = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(printable(text)).not.toMatch(obeyed);
      expect(toJson({ text }).replaceAll("\n", "")).not.toMatch(obeyed);
      expect(JSON.parse(toJson({ text }))).toEqual({ text });
    }),
  );
  expect(printable("a\u001b[2Jb\u202e")).toBe("a\\u{1b}[2Jb\\u{202e}");
});

test("columns stand below each other, wide characters too", () => {
  const lines = columns([
    ["name", { text: "said", style: "bold" }, "x"],
    ["数据", "a", "y"],
  ]);
  expect(lines.map((line) => renderLine(line, plain))).toEqual(["name  said  x", "数据  a     y"]);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [999_949, "999.9 kB"],
  [999_950, "1.0 MB"],
  [100 * 1024 * 1024, "104.9 MB"],
])("%i bytes are %s", (count, text) => {
  expect(bytes(count)).toBe(text);
});
