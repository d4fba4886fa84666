import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../workspace.ts";

const page = readFileSync(join(root, "docs/security.md"), "utf8");

/** The threats there are: gaps between the groups leave room. */
const threats = [
  ...[range(1, 16), range(20, 29), range(30, 40), range(50, 55), range(60, 78), range(80, 85), range(90, 92)].flat(),
].map((number) => `T${String(number).padStart(2, "0")}`);

interface Row {
  id: string;
  defence: string;
  tests: readonly { file: string; title: string }[];
}

const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| T"))
  .map((line): Row => {
    const [, id = "", , defence = "", shown = ""] = line.split("|").map((cell) => cell.trim());
    const tests = shown.split("<br>").flatMap((cell) => {
      const [, file, title] = /^`([^`]+)`: (.+)$/.exec(cell) ?? [];
      return file === undefined || title === undefined ? [] : [{ file, title }];
    });
    return { id, defence, tests };
  });

describe("docs/security.md", () => {
  test("has one row for each threat", () => {
    expect(rows.map(({ id }) => id)).toEqual(threats);
  });

  test.each(rows)("$id names files and tests that are there", ({ defence, tests }) => {
    for (const [, path = ""] of defence.matchAll(/`([\w-]+\/[\w./-]*(?:\.\w+|\/))`/g))
      expect(placeOf(path), path).toBeDefined();
    for (const { file, title } of tests) {
      const place = placeOf(file);
      expect(place, file).toBeDefined();
      expect(place === undefined ? "" : readFileSync(place, "utf8"), `${file}: ${title}`).toContain(title);
    }
    expect(tests.length).toBeGreaterThan(0);
  });
});

describe("what it claims of the sources as a whole", () => {
  const calls = /from "node:(?:http2?|https|net|tls|dgram|dns)(?:\/promises)?"|(?<![\w.])fetch\(|new WebSocket\(/;

  test("the core and the adapters call nobody but databases, Redis and the host's webhooks", () => {
    const sources = globSync("packages/{core,adapter-*,storage-fs}/src/**/*.ts", { cwd: root });
    const callers = sources
      .filter((file) => !file.includes("/testing/"))
      .filter((file) => {
        const lines = readFileSync(join(root, file), "utf8").split("\n");
        // What calls nobody: types, addresses that are read, and the class of a host's answers.
        const isHarmless = (line: string) => /^import (?:type|\{ ServerResponse \}) |isIP|BlockList/.test(line);
        return lines.some((line) => calls.test(line) && !isHarmless(line));
      });
    expect(sources.length).toBeGreaterThan(100);
    expect(callers).toEqual(["packages/core/src/events/webhook.ts"]);
  });
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Where a path of the page leads; undefined when there is nothing. */
function placeOf(path: string): string | undefined {
  return [join(root, path), join(root, "packages", path)].find((place) => existsSync(place));
}
