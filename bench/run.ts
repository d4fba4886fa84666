import { benchInstances } from "./instances.ts";
import { benchLarge } from "./large.ts";
import { benchLargeS3 } from "./large-s3.ts";
import type { Effort } from "./lib/compare.ts";
import { benchLogin } from "./login.ts";
import { benchPublish } from "./publish.ts";
import { benchReads } from "./reads.ts";
import { benchScale } from "./scale.ts";
import { benchSearch } from "./search.ts";

const scenarios: Record<string, (effort: Effort) => Promise<void>> = {
  reads: benchReads,
  scale: benchScale,
  large: benchLarge,
  "large-s3": benchLargeS3,
  publish: benchPublish,
  login: benchLogin,
  search: benchSearch,
  instances: benchInstances,
};

const { ROUNDS = "5", ROUND_MS = "2000" } = process.env;
const effort: Effort = { rounds: Number(ROUNDS), roundMs: Number(ROUND_MS) };
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => scenarios[name] === undefined);
if (unknown.length > 0) {
  console.error(`No such scenario: ${unknown.join(", ")}. There are: ${Object.keys(scenarios).join(", ")}.`);
  process.exit(2);
}
for (const [name, bench] of Object.entries(scenarios)) {
  if (wanted.length === 0 || wanted.includes(name)) await bench(effort);
}
