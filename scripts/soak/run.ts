import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startStandalone } from "../../bench/lib/standalone.ts";
import { root } from "../workspace.ts";
import { mixedLoad } from "./load.ts";
import { type Sample, sampleOf, slopePerMinute } from "./samples.ts";

/**
 * Lets the built server work for a while under a mixed, bounded load and looks whether it grows:
 * `npm run soak -- --minutes 30 --per-second 20`. Ends with 1 when an answer was an error, or memory or open files grow.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    "per-second": { type: "string", default: "20" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
  },
});
const minutes = Math.min(Number(values.minutes), 24 * 60);
const warmUpMinutes = Math.min(5, minutes / 4);
const sampleMs = 10_000;
const quietMs = 80_000;
/** The server's own: where it listens, and what Node needs. */
const idleSockets = 5;

spawnSync(process.execPath, ["scripts/build-js.ts"], { cwd: root, stdio: "inherit" });
const folder = await mkdtemp(join(tmpdir(), "registry-soak-"));
const server = await startStandalone(folder, ["--max-semi-space-size=1"]);
const samples: Sample[] = [];
const started = performance.now();
const timer = setInterval(() => {
  const sample = sampleOf(server, (performance.now() - started) / 60_000);
  samples.push(sample);
  if (samples.length % 30 === 0) console.error(`${sample.minute.toFixed(1)} min: ${sample.residentMiB.toFixed(0)} MiB`);
}, sampleMs);
const tally = await mixedLoad({
  ...{ url: `http://127.0.0.1:${server.port}`, seed: Number(values.seed), perSecond: Number(values["per-second"]) },
  until: started + minutes * 60_000,
});
clearInterval(timer);
samples.push(sampleOf(server, (performance.now() - started) / 60_000));
// Longer than connections are kept that nobody uses.
await sleep(quietMs);
const { sockets } = sampleOf(server, 0);
await server.stop();
await rm(folder, { recursive: true });

const steady = samples.filter(({ minute }) => minute >= warmUpMinutes);
const [first, last] = [steady[0], steady.at(-1)];
if (first === undefined || last === undefined) throw new Error("Too short to say anything");
const sorted = tally.readMs.toSorted((one, other) => one - other);
const slope = slopePerMinute(steady);
const total = Object.values(tally.requests).reduce((sum, count) => sum + count, 0);
console.log(`Seed ${values.seed}, ${minutes} minutes, ${total} requests: ${JSON.stringify(tally.requests)}`);
console.log(
  `Errors: ${tally.errors.length}${tally.errors
    .slice(0, 5)
    .map((error) => `\n  ${error}`)
    .join("")}`,
);
console.log(
  `Memory after ${warmUpMinutes} minutes ${first.residentMiB.toFixed(0)} MiB, at the end ${last.residentMiB.toFixed(0)} MiB, ` +
    `${slope.toFixed(2)} MiB per minute; open files ${first.files}, ${last.files}; ` +
    `sockets under load ${last.sockets}, after it ${sockets}`,
);
console.log(`Reads: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
const grows =
  slope > 1 || last.residentMiB > first.residentMiB + 64 || last.files > first.files + 5 || sockets > idleSockets;
process.exitCode = tally.errors.length > 0 || grows ? 1 : 0;

function at(share: number): string {
  return (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(1);
}
