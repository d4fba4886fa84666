import { readFileSync } from "node:fs";
import ts from "typescript";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

test.each([
  ["src/index.ts", "S3StorageOptions"],
  ["src/client.ts", "S3ClientOptions"],
])("%s: the README's table lists the members of %s, in their order", (file, name) => {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest);
  const found = source.statements.filter(ts.isInterfaceDeclaration).find((one) => one.name.text === name);
  const members = found?.members.map((member) => member.name?.getText(source) ?? "") ?? [];
  expect(members.length).toBeGreaterThan(4);
  const tables = read("README.md").split(/\n(?!\|)/);
  const listed = tables.map((table) => [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, option]) => option));
  expect(listed).toContainEqual(members);
});
