import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { root } from "../workspace.ts";

/** The fenced blocks of a document in one language, in order. */
export function blocksOf(document: string, language: string): string[] {
  const blocks = readFileSync(join(root, document), "utf8").matchAll(/^```(.*)\n([\s\S]*?)^```$/gm);
  return [...blocks].filter(([, info]) => info === language).map(([, , code]) => code ?? "");
}

/** What the block "ts <name>" of a document exports; it is imported from a file in `folder`. */
export async function importBlock<Module>(document: string, name: string, folder: string): Promise<Module> {
  const [code] = blocksOf(document, `ts ${name}`);
  if (code === undefined) throw new Error(`${document} has no block "ts ${name}"`);
  const file = join(folder, `${name}.ts`);
  writeFileSync(file, code);
  return import(pathToFileURL(file).href);
}

/** A folder outside the workspace in which programs find its packages, and how to get rid of it. */
export function temporaryProject(): { folder: string; cleanup(): void } {
  const folder = mkdtempSync(join(tmpdir(), "registry-docs-"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  return { folder, cleanup: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }) };
}

/**
 * Runs the shell session of a document in the workspace's folder, against a registry, and says what it printed.
 * @throws Error at the first command that fails
 */
export async function runSession(session: string, settings: { registry: string; temporary: string }): Promise<string> {
  const env = { ...process.env, REGISTRY: settings.registry, TMPDIR: settings.temporary };
  const { stdout } = await promisify(execFile)("bash", ["-c", `set -euo pipefail\n${session}`], { cwd: root, env });
  return stdout;
}
