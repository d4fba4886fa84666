import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Package, publishedPackages, readManifest, root } from "./workspace.ts";

/**
 * Packs the packages as they would be published, lints the tarballs, and uses them from an empty project outside the
 * workspace: every entry type-checks under the strictest settings and loads, the library-only example runs, and the programs start.
 */
const packages = publishedPackages();
const importable = new Set(packages.filter(({ entries }) => entries.length > 0).map(({ name }) => name));
const work = mkdtempSync(join(tmpdir(), "check-packages-"));
const consumer = join(work, "consumer");
/** Drivers that nobody needs to install, and the entries that may import them. */
const drivers = [
  { driver: "better-sqlite3", entries: ["@serverless-registry/core/sqlite", "@serverless-registry/core/import"] },
];

const strictest = {
  target: "es2023",
  module: "nodenext",
  types: ["node"],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true,
  allowImportingTsExtensions: true,
  skipLibCheck: false,
  noEmit: true,
};

try {
  run("npm", ["run", "--silent", "build"], root);
  const tarballs = pack();
  for (const [name, tarball] of Object.entries(tarballs)) {
    run("publint", ["run", tarball, "--strict"], root);
    if (importable.has(name)) run("attw", [tarball, "--profile", "esm-only", "--format", "ascii", "--no-emoji"], root);
  }
  install(tarballs);
  run("tsc", ["-p", consumer], root);
  run("node", ["entries.ts"], consumer);
  withoutDrivers(() => run("node", ["driverless.ts"], consumer));
  run("node", ["library-only/main.ts"], consumer);
  for (const { command } of packages.flatMap(({ programs }) => programs)) {
    for (const args of [["--version"], ["init"], ["migrate"]])
      run(join(consumer, "node_modules/.bin", command), args, consumer);
  }
  console.log(`packages pack, install, type-check and load: ${packages.map(({ name }) => name).join(", ")}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true });
}

/** Tarball by package name. */
function pack(): Record<string, string> {
  const workspaces = packages.map(({ name }) => `--workspace=${name}`);
  const packed = JSON.parse(run("npm", ["pack", "--json", `--pack-destination=${work}`, ...workspaces], root));
  return Object.fromEntries(
    packed.map((one: { name: string; filename: string }) => [one.name, join(work, one.filename)]),
  );
}

function install(tarballs: Record<string, string>): void {
  mkdirSync(consumer);
  const dependencies = { ...peersOf(packages), ...fileUrls(tarballs) };
  write("package.json", JSON.stringify({ name: "consumer", private: true, type: "module", dependencies }));
  write("tsconfig.json", JSON.stringify({ compilerOptions: strictest, include: ["."] }));
  const specifiers = packages.flatMap(({ entries }) => entries.map(({ specifier }) => specifier));
  write("entries.ts", importAll(specifiers));
  write(
    "driverless.ts",
    importAll(specifiers.filter((specifier) => !drivers.some(({ entries }) => entries.includes(specifier)))),
  );
  for (const example of ["library-only", "embed-express", "embed-fastify"]) {
    const filter = (file: string) => !file.includes("node_modules") && !file.endsWith("package.json");
    cpSync(join(root, "examples", example), join(consumer, example), { recursive: true, filter });
  }
  run("npm", ["install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"], consumer);
}

/** What users install beside the packages, in the versions that the workspace is tested with. */
function peersOf(all: Package[]): Record<string, string> {
  const tested = Object.assign({}, readManifest(".").devDependencies, ...all.map((one) => one.devDependencies));
  const peers = all.flatMap((one) => Object.keys(one.peerDependencies)).filter((name) => tested[name] !== undefined);
  const types = ["node", ...peers].map((name) => `@types/${name}`).filter((name) => tested[name] !== undefined);
  return Object.fromEntries([...peers, ...types].map((name) => [name, tested[name]]));
}

function fileUrls(tarballs: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(tarballs).map(([name, file]) => [name, `file:${file}`]));
}

function importAll(specifiers: string[]): string {
  const imports = specifiers.map((specifier, index) => `import * as entry${index} from "${specifier}";`);
  const list = specifiers.map((_, index) => `entry${index}`).join(", ");
  const check = `for (const entry of [${list}]) if (Object.keys(entry).length === 0) throw new Error("empty entry");`;
  return [...imports, check, ""].join("\n");
}

function withoutDrivers(work: () => void): void {
  const paths = drivers.map(({ driver }) => join(consumer, "node_modules", driver));
  for (const path of paths) renameSync(path, `${path}.away`);
  work();
  for (const path of paths) renameSync(`${path}.away`, path);
}

function write(file: string, text: string): void {
  writeFileSync(join(consumer, file), text);
}

/** Runs a command and returns what it printed; throws an error that shows it when the command fails. */
function run(command: string, args: string[], cwd: string): string {
  try {
    return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(" ")} failed:\n${stdout}${stderr}`);
  }
}
