import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { root } from "./workspace.ts";

const node = "node --conditions=@serverless-registry/source";

/** Everything but the tests that must hold before a commit. */
const checks: Record<string, string> = {
  format: "biome ci --error-on-warnings --colors=off",
  types: "tsc -p tsconfig.json",
  layers: "vitest run --project packages packages/core/test/layers.test.ts packages/core/test/public-api.test.ts",
  unused: "knip",
  snippets: `${node} scripts/check-snippets.ts`,
  docs: `${node} scripts/check-docs.ts`,
  packages: `${node} scripts/check-packages.ts`,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => checks[name] === undefined);
if (unknown.length > 0) {
  console.error(`No such check: ${unknown.join(", ")}. There are: ${Object.keys(checks).join(", ")}.`);
  process.exit(2);
}

/** Runs one check, and says at its end how it went. */
async function passes(name: string, command: string): Promise<boolean> {
  const start = performance.now();
  const child = spawn(command, { cwd: root, shell: true, stdio: ["ignore", "pipe", "pipe"] });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [status] = await once(child, "close");
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (status !== 0) console.log(Buffer.concat(chunks).toString("utf8").trimEnd());
  console.log(`${status === 0 ? "ok  " : "FAIL"} ${name.padEnd(10)} ${seconds.padStart(5)} s  ${command}`);
  return status === 0;
}

const queue = Object.entries(checks).filter(([name]) => wanted.length === 0 || wanted.includes(name));
const failed: string[] = [];

/** Runs what is left, one check after the other. */
async function work(): Promise<void> {
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const [name, command] = next;
    if (!(await passes(name, command))) failed.push(name);
  }
}

// The longest is the last of the list, so it begins first.
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
if (failed.length > 0) console.log(`\nFailed: ${failed.join(", ")}. One alone: npm run check -- ${failed[0]}`);
process.exitCode = failed.length > 0 ? 1 : 0;
