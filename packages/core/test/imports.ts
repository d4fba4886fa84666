import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect } from "vitest";

/** Folder of the whole project. */
export const workspace = join(import.meta.dirname, "../../..");

/** One import of a file. */
export interface Import {
  /** The file, from the folder that was looked through. */
  from: string;
  specifier: string;
  typeOnly: boolean;
  /** What is imported by name. */
  names: string[];
}

/** All imports, re-exports, `import()` and import types of a folder, with file names from that folder. */
export function importsOf(folder: string): Import[] {
  const root = join(workspace, folder);
  const files = globSync("**/*.ts", { cwd: root });
  expect(files.length, `${folder} has sources`).toBeGreaterThan(0);
  return files.flatMap((from) => {
    const source = ts.createSourceFile(from, readFileSync(join(root, from), "utf8"), ts.ScriptTarget.Latest);
    const found: Import[] = [];
    const visit = (node: ts.Node): void => {
      const one = importOf(node);
      if (one) found.push({ from, ...one });
      ts.forEachChild(node, visit);
    };
    visit(source);
    return found;
  });
}

function importOf(node: ts.Node): Omit<Import, "from"> | undefined {
  if (ts.isImportDeclaration(node)) {
    const bindings = node.importClause?.namedBindings;
    const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
    return described(node.moduleSpecifier, typeOnly, bindings);
  }
  if (ts.isExportDeclaration(node)) return described(node.moduleSpecifier, node.isTypeOnly, node.exportClause);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return described(node.argument.literal, true);
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return described(node.arguments[0], false);
  }
  return undefined;
}

function described(
  specifier: ts.Node | undefined,
  typeOnly: boolean,
  bindings?: ts.NamedImportBindings | ts.NamedExportBindings,
): Omit<Import, "from"> | undefined {
  if (!specifier || !ts.isStringLiteral(specifier)) return undefined;
  const named = bindings && (ts.isNamedImports(bindings) || ts.isNamedExports(bindings)) ? [...bindings.elements] : [];
  return {
    specifier: specifier.text,
    typeOnly,
    names: named.map(({ name, propertyName }) => (propertyName ?? name).text),
  };
}
