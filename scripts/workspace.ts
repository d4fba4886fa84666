import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of the whole workspace. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** One address a package can be imported by. */
export interface Entry {
  /** What users import, such as `@serverless-registry/core/http`. */
  specifier: string;
  /** Source file, from the workspace's folder. */
  source: string;
  /** Built file, from the package's folder. */
  output: string;
}

/** A command that a package installs. */
export interface Program {
  /** What users type. */
  command: string;
  /** Source file, from the workspace's folder. */
  source: string;
  /** Built file, from the package's folder. */
  output: string;
}

/** A package that is published. */
export interface Package {
  name: string;
  /** From the workspace's folder. */
  folder: string;
  peerDependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  /** Empty: the package is only there for its programs. */
  entries: Entry[];
  programs: Program[];
}

interface Manifest {
  name: string;
  private?: boolean;
  exports?: Record<string, string | Record<string, string>>;
  bin?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/** Reads a package.json. */
export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
}

/** The published packages, with the entries that their `exports` name and the programs that their `bin` does. */
export function publishedPackages(): Package[] {
  return globSync("packages/*/package.json", { cwd: root })
    .map((file) => dirname(file))
    .sort()
    .map((folder) => ({ folder, ...readManifest(folder) }))
    .filter((manifest) => manifest.private !== true)
    .map(({ folder, name, exports = {}, bin = {}, peerDependencies = {}, devDependencies = {} }) => {
      const entries = entriesOf(name, folder, exports);
      return { name, folder, peerDependencies, devDependencies, entries, programs: programsOf(folder, bin) };
    });
}

function programsOf(folder: string, bin: Record<string, string>): Program[] {
  return Object.entries(bin).map(([command, output]) => {
    const source = join(folder, output.replace(/^\.\/dist\//, "src/").replace(/\.js$/, ".ts"));
    return { command, source, output };
  });
}

function entriesOf(name: string, folder: string, exports: Record<string, string | Record<string, string>>): Entry[] {
  return Object.entries(exports).flatMap(([subpath, target]) => {
    if (typeof target === "string") return []; // ./package.json
    const source = target["@serverless-registry/source"];
    const output = target.default;
    if (source === undefined || output === undefined) throw new Error(`${name}: ${subpath} is incomplete`);
    return [{ specifier: join(name, subpath), source: join(folder, source), output }];
  });
}
