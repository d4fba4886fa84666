import { spawnSync } from "node:child_process";
import { existsSync, globSync, statSync } from "node:fs";
import { join } from "node:path";
import { publishedPackages, root } from "./workspace.ts";

/** Builds the JavaScript of packages and standalone server, unless it is newer than everything it is made from. */
function buildJs(): void {
  if (!isStale()) return;
  const { status } = spawnSync("npm", ["run", "--silent", "build:js"], { cwd: root, stdio: "inherit" });
  if (status !== 0) throw new Error("npm run build:js failed");
}

function isStale(): boolean {
  const outputs = [
    ...publishedPackages().flatMap(({ folder, entries, programs }) => {
      return [...entries, ...programs].map(({ output }) => join(folder, output));
    }),
    "examples/standalone/dist/main.js",
    "examples/standalone/dist/init.js",
    "examples/standalone/dist/move.js",
  ].map((file) => join(root, file));
  if (!outputs.every((file) => existsSync(file))) return true;
  const inputs = ["packages/*/src/**", "packages/*/package.json", "examples/standalone/src/**", "tsup.config.ts"];
  return newest(globSync(inputs, { cwd: root }).map((file) => join(root, file))) > oldest(outputs);
}

function newest(files: string[]): number {
  return Math.max(...files.map((file) => statSync(file).mtimeMs));
}

function oldest(files: string[]): number {
  return Math.min(...files.map((file) => statSync(file).mtimeMs));
}

export { buildJs as setup };

if (import.meta.main) buildJs();
