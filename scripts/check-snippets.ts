import { globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";
import { root } from "./workspace.ts";

/**
 * Type-checks every ```ts block of the documents and of doc comments, against the packages' sources.
 * Each block is a module of its own; one that is opened by "```ts continued" belongs to the block before it.
 */
const sources = ["README.md", "CONTRIBUTING.md", "docs/**/*.md", "packages/*/README.md", "packages/*/src/**/*.ts"];

const snippets = new Map(
  globSync(sources, { cwd: root, exclude: ["docs/api"] }).flatMap((file) => snippetsOf(join(root, file))),
);
const errors = check(snippets);
for (const error of errors) console.error(error);
console.log(`${snippets.size} TypeScript snippets in documents: ${errors.length} errors`);
process.exitCode = errors.length === 0 && snippets.size > 0 ? 0 : 1;

/** Pairs of a made-up file name and its text, in which the snippet stands on the lines it has in the document. */
function snippetsOf(file: string): [string, string][] {
  const lines = readFileSync(file, "utf8").split("\n");
  const content = file.endsWith(".ts") ? lines.map((line) => /^\s*\* ?(.*)$/.exec(line)?.[1] ?? "") : lines;
  const found: { line: number; text: string[] }[] = [];
  let open: string[] | undefined;
  for (const [index, line] of content.entries()) {
    const fence = /^\s*```(.*)$/.exec(line)?.[1];
    const last = found.at(-1)?.text;
    if (fence === undefined) {
      if (open) open[index] = line;
    } else if (open) {
      open = undefined;
    } else if (fence.trim() === "ts continued" && last) {
      open = last;
    } else {
      open = [] as string[];
      if (/^ts\b/.test(fence.trim())) found.push({ line: index + 1, text: open });
    }
  }
  return found.map(({ line, text }) => [`${file}.${line}.ts`, Array.from(text, (code) => code ?? "").join("\n")]);
}

function check(files: Map<string, string>): string[] {
  const options = readOptions();
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].flatMap((name) => {
    const file = program.getSourceFile(name);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(describe);
  });
}

function readOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  return { ...options, moduleDetection: ts.ModuleDetectionKind.Force };
}

function describe({ file, start, messageText }: ts.Diagnostic): string {
  const message = ts.flattenDiagnosticMessageText(messageText, "\n");
  if (!file || start === undefined) return message;
  const document = relative(root, file.fileName).replace(/\.\d+\.ts$/, "");
  return `${document}:${file.getLineAndCharacterOfPosition(start).line + 1}: ${message}`;
}
