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

/** A package that is published. */
export interface Package {
  name: string;
  /** From the workspace's folder. */
  folder: string;
  peerDependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  entries: Entry[];
}

interface Manifest {
  name: string;
  private?: boolean;
  exports: Record<string, string | Record<string, string>>;
  peerDependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/** Reads a package.json. */
export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
}

/** The published packages, with the entries that their `exports` name. */
export function publishedPackages(): Package[] {
  return globSync("packages/*/package.json", { cwd: root })
    .map((file) => dirname(file))
    .sort()
    .map((folder) => ({ folder, ...readManifest(folder) }))
    .filter((manifest) => manifest.private !== true)
    .map(({ folder, name, exports, peerDependencies = {}, devDependencies = {} }) => {
      return { name, folder, peerDependencies, devDependencies, entries: entriesOf(name, folder, exports) };
    });
}

function entriesOf(name: string, folder: string, exports: Manifest["exports"]): Entry[] {
  return Object.entries(exports).flatMap(([subpath, target]) => {
    if (typeof target === "string") return []; // ./package.json
    const source = target["@serverless-registry/source"];
    const output = target.default;
    if (source === undefined || output === undefined) throw new Error(`${name}: ${subpath} is incomplete`);
    return [{ specifier: join(name, subpath), source: join(folder, source), output }];
  });
}
