import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { benchDownloads } from "./downloads.ts";
import { benchInstances } from "./instances.ts";
import { benchLarge } from "./large.ts";
import { benchLargeS3 } from "./large-s3.ts";
import type { Effort } from "./lib/compare.ts";
import { printTables } from "./lib/report.ts";
import { benchLogin } from "./login.ts";
import { benchPublish } from "./publish.ts";
import { benchReads } from "./reads.ts";
import { benchScale } from "./scale.ts";
import { benchSearch } from "./search.ts";
import { benchStart } from "./start.ts";
import { benchVerdaccio } from "./verdaccio.ts";

const scenarios: Record<string, (effort: Effort) => Promise<void>> = {
  reads: benchReads,
  scale: benchScale,
  search: benchSearch,
  downloads: benchDownloads,
  publish: benchPublish,
  verdaccio: benchVerdaccio,
  login: benchLogin,
  start: benchStart,
  large: benchLarge,
  "large-s3": benchLargeS3,
  instances: benchInstances,
};

build();
const { ROUNDS = "3", ROUND_MS = "1000", MINUTES = "18" } = process.env;
const effort: Effort = { rounds: Number(ROUNDS), roundMs: Number(ROUND_MS), comparisons: [], figures: [] };
const endsAt = performance.now() + Number(MINUTES) * 60_000;
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => scenarios[name] === undefined);
if (unknown.length > 0) {
  console.error(`No such scenario: ${unknown.join(", ")}. There are: ${Object.keys(scenarios).join(", ")}.`);
  process.exit(2);
}
const failed: string[] = [];
for (const [name, bench] of Object.entries(scenarios)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  if (performance.now() > endsAt) {
    console.error(`\nLeft out, since the time is over: ${name}`);
    continue;
  }
  // What was measured before is shown all the same.
  await bench(effort).catch((error: unknown) => {
    failed.push(name);
    console.error(error);
  });
}
printTables(effort);
if (failed.length > 0) {
  console.error(`\nFailed: ${failed.join(", ")}`);
  process.exitCode = 1;
}

/** Builds what is measured: the packages and the standalone server. */
function build(): void {
  const root = join(import.meta.dirname, "..");
  const { status } = spawnSync(process.execPath, ["scripts/build-js.ts"], { cwd: root, stdio: "inherit" });
  if (status !== 0) throw new Error("The packages could not be built");
}
