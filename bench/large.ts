import { setTimeout as delay } from "node:timers/promises";
import type { BareServerOptions } from "./bare-server.ts";
import { type Effort, median } from "./lib/compare.ts";
import { writeLargeZip, type ZipMethod } from "./lib/large-zip.ts";
import { type ServerProcess, startServer } from "./lib/processes.ts";
import { printTitle, ratio } from "./lib/report.ts";
import { createApiKey, openVersion, signUp, startStandalone } from "./lib/standalone.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import { type MeasuredTransfer, printTransfers, type Signing, type TransferPlan, transfer } from "./lib/transfer.ts";

/** What goes to the server or comes from it. */
interface Scenario {
  name: string;
  way: TransferPlan["way"];
  /** How requests are signed; left out: they carry a token. */
  profile?: Signing["profile"];
  /** What the archive holds; left out: a stored file. */
  method?: ZipMethod;
  /** How many at once; left out: one. */
  atOnce?: number;
  /** How often; left out: twice. */
  rounds?: number;
  aim: string;
}

const unpackedBytes = 1e9;
const settleMs = 2000;
const firstVersion = "1.0.0";
const aim = "1.3 x, 3.5 CPU s/GB, +64 MiB";

const single: readonly Scenario[] = [
  { name: "up, raw PUT", way: "put", aim },
  { name: "up, raw PUT, signed (v2)", way: "put", profile: "v2", aim },
  { name: "up, raw PUT, signed (documented)", way: "put", profile: "documented", aim },
  { name: "up, form", way: "form", aim },
  { name: "down", way: "get", aim },
];

const deflated: Scenario = { name: "deflated, up, raw PUT", way: "put", method: "deflated", aim: "+64 MiB" };

const many: readonly Scenario[] = [
  { name: "16 at once, up, raw PUT", way: "put", atOnce: 16, rounds: 1, aim: "+128 MiB" },
  { name: "16 at once, down", way: "get", atOnce: 16, rounds: 1, aim: "+128 MiB" },
];

const small = { name: "--max-semi-space-size=1", flags: ["--max-semi-space-size=1"] } as const;

/**
 * Node as it is, and with a small young generation, which frees received bytes sooner: as `npm start` runs it. Each has servers of its own,
 * since a process keeps some of what it held.
 */
const variants: readonly Variant[] = [
  { name: "Node's defaults", flags: [], scenarios: single },
  { ...small, scenarios: [...single, deflated] },
  { ...small, scenarios: many },
];

interface Variant {
  name: string;
  flags: readonly string[];
  scenarios: readonly Scenario[];
}

/** Memory, processor time and duration while archives of 1 GB go to the built standalone server and come back. */
export async function benchLarge(effort: Effort): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const files = { stored: `${folder}/stored.zip`, deflated: `${folder}/deflated.zip` };
    for (const method of ["stored", "deflated"] as const) await writeLargeZip(files[method], unpackedBytes, method);
    for (const variant of variants) {
      printTitle(`archives of 1 GB, ${variant.name}`);
      await measureVariant(variant, { folder, files }, effort);
    }
  });
}

interface Place {
  folder: string;
  files: Readonly<Record<ZipMethod, string>>;
}

async function measureVariant(variant: Variant, { folder, files }: Place, { figures }: Effort): Promise<void> {
  const server = await startStandalone(folder, variant.flags);
  const options: BareServerOptions = { framework: "fastify", answers: {}, folder, file: files.stored };
  const bare = await startServer("bare-server.ts", options, variant.flags);
  try {
    const token = await signUp(server.port);
    const apiKey = await createApiKey(server.port, token);
    await delay(settleMs);
    const idleMiB = { server: server.memory().residentMiB, bare: bare.memory().residentMiB };
    console.log(
      `  idle: standalone server ${idleMiB.server.toFixed(0)} MiB, bare fastify ${idleMiB.bare.toFixed(0)} MiB`,
    );
    const nextPath = versionOpener(server.port, token);
    for (const scenario of variant.scenarios) {
      const figure = await measure({ server, bare, idleMiB, files, token, apiKey, nextPath }, scenario);
      figures.push({ scenario: `1 GB ${scenario.name}, ${variant.name}`, figure, aim: scenario.aim });
    }
  } finally {
    await Promise.all([server.stop(), bare.stop()]);
  }
}

interface Measurement {
  server: ServerProcess;
  bare: ServerProcess;
  idleMiB: Readonly<Record<"server" | "bare", number>>;
  files: Place["files"];
  token: string;
  apiKey: string;
  nextPath(): Promise<string>;
}

/** Opens one version after another; the path for the archive of each. The first is {@link firstVersion}. */
function versionOpener(port: number, token: string): () => Promise<string> {
  let next = 0;
  return () => openVersion(port, token, `1.0.${next++}`);
}

async function measure(
  { server, bare, idleMiB, files, token, apiKey, nextPath }: Measurement,
  { name, way, profile, method = "stored", atOnce = 1, rounds = 2 }: Scenario,
): Promise<string> {
  const plan = { way, token, file: files[method] };
  const signing = profile === undefined ? {} : { signing: { apiKey, profile } };
  const isFetching = way === "get";
  const ours: MeasuredTransfer[] = [];
  const theirs: MeasuredTransfer[] = [];
  for (let round = 0; round < rounds; round++) {
    const paths: string[] = [];
    while (paths.length < atOnce) {
      paths.push(isFetching ? `/large-package/zipball/${firstVersion}` : await nextPath());
    }
    const barePaths = paths.map(() => (isFetching ? "/download" : "/upload"));
    ours.push(await transfer(server, { ...plan, ...signing, paths }, idleMiB.server));
    theirs.push(await transfer(bare, { ...plan, paths: barePaths }, idleMiB.bare));
  }
  const own = printTransfers(`${name}, registry`, ours, unpackedBytes * atOnce);
  const other = printTransfers(`${name}, bare fastify`, theirs, unpackedBytes * atOnce);
  const seconds = (all: MeasuredTransfer[]) => median(all.map((one) => one.seconds));
  return `time ${ratio(seconds(ours) / seconds(theirs))}: ${own}; bare ${other}`;
}
