import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { publishedPackages, root } from "../../../scripts/workspace.ts";

/** Update after a wanted change: `npx vitest run public-api --update`. */
test("the public names of every entry are those on record", async () => {
  const entries = publishedPackages().flatMap((one) => one.entries);
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram(
    entries.map(({ source }) => join(root, source)),
    options,
  );
  const sections = entries.map(({ specifier, source }) => {
    return [specifier, ...publicNames(program, join(root, source)).map((name) => `  ${name}`), ""].join("\n");
  });
  await expect(sections.join("\n")).toMatchFileSnapshot("public-api.txt");
}, 60_000);

function publicNames(program: ts.Program, file: string): string[] {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${file} is no module`);
  return checker
    .getExportsOfModule(module)
    .map((symbol) => {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      return `${target.flags & ts.SymbolFlags.Value ? "" : "type "}${symbol.name}`;
    })
    .sort((a, b) => a.replace("type ", "").localeCompare(b.replace("type ", ""), "en"));
}
