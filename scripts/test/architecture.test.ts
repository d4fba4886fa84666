import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { root } from "../workspace.ts";

const page = readFileSync(join(root, "docs/architecture.md"), "utf8");

describe("docs/architecture.md", () => {
  const named = pathsOfTree();

  test("every file and folder in the tree is there", () => {
    expect(named.length).toBeGreaterThan(80);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test("the tree leaves out no file or folder at the top of a package's sources", () => {
    const there = globSync("packages/*/src/*", { cwd: root });
    expect(there.length).toBeGreaterThan(20);
    expect(there.filter((path) => !named.includes(path)).sort()).toEqual([]);
  });

  test("every file that the text names is there", () => {
    const paths = [...page.matchAll(/`([\w@.-]+(?:\/[\w.-]+)*\/(?:[\w-]+\.ts)?|[\w-]+\.ts)`/g)].map(
      ([, path]) => path ?? "",
    );
    expect(paths.length).toBeGreaterThan(20);
    expect(paths.filter((path) => !isThere(path))).toEqual([]);
  });

  test("the table of imports is the one that is enforced", () => {
    expect(page).toContain(tableOf(layers()));
  });
});

/** Paths of the first block, from the indentation of its lines. */
function pathsOfTree(): string[] {
  const tree = /```text\n(packages\/core[\s\S]*?)```/.exec(page)?.[1] ?? "";
  const folders: string[] = [];
  return tree
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [, indent = "", name = ""] = /^( *)(\S+)/.exec(line) ?? [];
      folders.length = indent.length / 2;
      folders.push(name.replace(/\/$/, ""));
      return folders.join("/");
    });
}

/** Whether a path is there, from the workspace, from its packages, or from core's sources; a bare name may be anywhere in core. */
function isThere(path: string): boolean {
  const places = ["", "packages", "packages/core/src", "packages/core/src/operations"];
  if (places.some((place) => existsSync(join(root, place, path)))) return true;
  return !path.includes("/") && globSync(`packages/core/src/**/${path}`, { cwd: root }).length > 0;
}

/** The table in `layers.test.ts`. */
function layers(): [layer: string, allowed: string][] {
  const file = "packages/core/test/layers.test.ts";
  const source = ts.createSourceFile(file, readFileSync(join(root, file), "utf8"), ts.ScriptTarget.Latest);
  const found = source.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => declarationList.declarations)
    .find(({ name }) => name.getText(source) === "layers")?.initializer;
  if (!found || !ts.isObjectLiteralExpression(found)) throw new Error(`${file} has no table of layers`);
  return found.properties
    .filter(ts.isPropertyAssignment)
    .map(({ name, initializer }) => [
      name.getText(source).replaceAll('"', ""),
      [...initializer.getText(source).matchAll(/"([^"]*)"/g)].map(([, text]) => text).join(""),
    ]);
}

function tableOf(rows: [layer: string, allowed: string][]): string {
  const quoted = (list: string) =>
    list
      .split(" ")
      .filter((name) => name !== "")
      .map((name) => `\`${name}\``)
      .join(" ");
  return [
    "| layer | may import |",
    "| --- | --- |",
    ...rows.map(([layer, allowed]) => `| \`${layer}\` | ${quoted(allowed) || "nothing"} |`),
  ].join("\n");
}

test("the tree names each package", () => {
  const packages = readdirSync(join(root, "packages"));
  const inTree = new Set(
    pathsOfTree()
      .filter((path) => dirname(dirname(path)) === "packages")
      .map((path) => basename(dirname(path))),
  );
  expect([...inTree].sort()).toEqual(packages.sort());
});
