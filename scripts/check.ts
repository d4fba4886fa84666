import { spawnSync } from "node:child_process";
import { root } from "./workspace.ts";

const node = "node --conditions=@serverless-registry/source";

/** Everything but the tests that must hold before a commit, quick checks first. */
const checks: Record<string, string> = {
  format: "biome ci --error-on-warnings",
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

const failed: string[] = [];
for (const [name, command] of Object.entries(checks)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(command, { cwd: root, shell: true, encoding: "utf8" });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (status !== 0) {
    failed.push(name);
    console.log(`${stdout}${stderr}`.trimEnd());
  }
  console.log(`${status === 0 ? "ok  " : "FAIL"} ${name.padEnd(10)} ${seconds.padStart(5)} s  ${command}`);
}
if (failed.length > 0) console.log(`\nFailed: ${failed.join(", ")}. One alone: npm run check -- ${failed[0]}`);
process.exitCode = failed.length > 0 ? 1 : 0;
