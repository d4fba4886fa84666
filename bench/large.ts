import { setTimeout as delay } from "node:timers/promises";
import type { BareServerOptions } from "./bare-server.ts";
import { type Effort, median } from "./lib/compare.ts";
import { type ServerProcess, startServer } from "./lib/processes.ts";
import { printTitle, ratio } from "./lib/report.ts";
import { buildStandalone, openVersion, signUp, startStandalone } from "./lib/standalone.ts";
import { writeStoredZip } from "./lib/stored-zip.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import { type MeasuredTransfer, printTransfers, type TransferPlan, transfer } from "./lib/transfer.ts";

const archiveBytes = 1e9;
const settleMs = 2000;
const rounds = 2;

const ways = { put: "up, raw PUT", form: "up, form", get: "down" } as const;

/** Node as it is, and with a small young generation, which frees received bytes sooner. */
const variants = { "Node's defaults": [], "--max-semi-space-size=1": ["--max-semi-space-size=1"] } as const;

/** Memory, processor time and duration while an archive of 1 GB goes to the built standalone server and comes back. */
export async function benchLarge(effort: Effort): Promise<void> {
  buildStandalone();
  await inTemporaryFolder(async (folder) => {
    const file = `${folder}/large.zip`;
    await writeStoredZip(file, archiveBytes);
    for (const [name, flags] of Object.entries(variants)) {
      printTitle(`an archive of 1 GB, ${name}`);
      await measureWith({ name, flags }, { folder, file }, effort);
    }
  });
}

interface Variant {
  name: string;
  flags: readonly string[];
}

interface Place {
  folder: string;
  file: string;
}

async function measureWith({ name, flags }: Variant, { folder, file }: Place, effort: Effort): Promise<void> {
  const server = await startStandalone(folder, flags);
  const options: BareServerOptions = { framework: "fastify", answers: {}, folder, file };
  const bare = await startServer("bare-server.ts", options, flags);
  try {
    await measure({ server, bare, file, name }, effort);
  } finally {
    await Promise.all([server.stop(), bare.stop()]);
  }
}

interface Measurement {
  server: ServerProcess;
  bare: ServerProcess;
  file: string;
  name: string;
}

async function measure({ server, bare, file, name }: Measurement, { figures }: Effort): Promise<void> {
  const token = await signUp(server.port);
  await delay(settleMs);
  const idle = { server: server.memory().residentMiB, bare: bare.memory().residentMiB };
  console.log(`  idle: standalone server ${idle.server.toFixed(0)} MiB, bare fastify ${idle.bare.toFixed(0)} MiB`);
  for (const way of ["put", "form", "get"] as const) {
    const ours: MeasuredTransfer[] = [];
    const theirs: MeasuredTransfer[] = [];
    for (let round = 0; round < rounds; round++) {
      const path = await pathFor(server.port, { way, token, version: `1.0.${round}-${way}` });
      ours.push(await transfer(server, { way, path, token, file }, idle.server));
      theirs.push(await transfer(bare, { way, path: way === "get" ? "/download" : "/upload", token, file }, idle.bare));
    }
    const own = printTransfers(`${way}, registry`, ours);
    const other = printTransfers(`${way}, bare fastify`, theirs);
    const seconds = (all: MeasuredTransfer[]) => median(all.map((one) => one.seconds));
    const scenario = `1 GB ${ways[way]}, ${name}`;
    const figure = `time ${ratio(seconds(ours) / seconds(theirs))}: ${own}; bare ${other}`;
    figures.push({ scenario, figure, aim: "1.3 x, 3.5 CPU s/GB, +64 MiB" });
  }
}

async function pathFor(
  port: number,
  { way, token, version }: Pick<TransferPlan, "way" | "token"> & { version: string },
): Promise<string> {
  return way === "get" ? "/large-package/zipball/1.0.0-put" : openVersion(port, token, version);
}
