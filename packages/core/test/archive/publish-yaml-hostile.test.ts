import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parsePublishYaml } from "../../src/archive/publish-yaml.ts";
import { RegistryError } from "../../src/errors.ts";

function findingIn(text: string): unknown {
  try {
    parsePublishYaml(text);
  } catch (error) {
    return RegistryError.is(error, "invalid_archive") ? error.details?.finding : error;
  }
  return "accepted";
}

describe("a hostile publish.yaml", () => {
  const laughs = Array.from({ length: 12 }, (_, level) => `l${level + 1}: &l${level + 1} [${`*l${level},`.repeat(9)}]`);
  test.each([
    ["nothing", ""],
    ["a text", "just text"],
    ["a list", "- a\n- b"],
    ["two documents", "a: 1\n---\nb: 2"],
    ["broken quoting", 'Name: "x'],
    ["a tab for indentation", "a:\n\tb: 1"],
    ["an unknown alias", "Properties: { a: *b }"],
    ["an alias of itself", "Properties: { a: &a [*a] }"],
    ["ten billion laughs", `Properties:\n  l0: &l0 x\n  ${laughs.join("\n  ")}`],
    ["a long list behind a few aliases", `Properties:\n  a: &a [${"1,".repeat(4000)}]\n  b: [${"*a,".repeat(10)}]`],
    ["endless comments", `${"#\n".repeat(100_000)}Name: x`],
    ["an alias used very often", `Properties:\n  a: &a x\n  b: [${"*a,".repeat(5000)}]`],
    ["too deep a nesting", `Properties: ${'{"a":'.repeat(100)}1${"}".repeat(100)}`],
    ["the same key twice further down", "Properties: { a: 1, a: 2 }"],
  ])("is refused: %s", (_title, text) => {
    expect(findingIn(text)).toBe("bad_manifest");
  });

  const length = 250_000;
  test.each([
    ["open brackets", "[".repeat(length)],
    ["closing brackets", `a: ${"]".repeat(length)}`],
    ["commas", `a: [${",".repeat(length)}]`],
    ["tags", "!a ".repeat(length / 3)],
    ["anchors", `a: ${"&a ".repeat(length / 3)}`],
    ["mappings in mappings", "{a: ".repeat(length / 4)],
    ["many keys", Array.from({ length: length / 10 }, (_, index) => `k${index}: 1`).join("\n")],
  ])("cannot keep us busy with %s", (_title, text) => {
    const started = performance.now();
    expect(findingIn(text)).toBe("bad_manifest");
    expect(performance.now() - started).toBeLessThan(3000);
  });

  test("of any text is read or refused", () => {
    const piece = fc.constantFrom(
      "Name: ",
      "- ",
      "{",
      "}",
      "[",
      "]",
      "&a ",
      "*a",
      ": ",
      "\n",
      "  ",
      "!t ",
      '"',
      "'",
      "|\n",
      "? ",
      "#",
      "<<: ",
      "%",
      "---\n",
      "x",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join("")),
        ),
        (text) => {
          expect(["accepted", "bad_manifest"]).toContain(findingIn(text));
        },
      ),
      { numRuns: 500 },
    );
  });
});
