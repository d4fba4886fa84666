import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { BareServerOptions } from "./bare-server.ts";
import { type Effort, median } from "./lib/compare.ts";
import { processOf, type ServerProcess, serverCore, spawnPinned, startServer } from "./lib/processes.ts";
import { printTitle, ratio } from "./lib/report.ts";
import { writeStoredZip } from "./lib/stored-zip.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import { type MeasuredTransfer, type TransferPlan, transfer } from "./lib/transfer.ts";

const archiveBytes = 1e9;
const settleMs = 2000;
const rounds = 2;

/** Node as it is, and with a small young generation, which frees received bytes sooner. */
const variants = { "Node's defaults": [], "--max-semi-space-size=1": ["--max-semi-space-size=1"] } as const;
const user = { username: "bench-owner", password: "bench-password-1", email: "owner@example.com" };
const root = join(import.meta.dirname, "..");

/** Memory, processor time and duration while an archive of 1 GB goes to the built standalone server and comes back. */
export async function benchLarge(_effort: Effort): Promise<void> {
  const { status } = spawnSync(process.execPath, ["scripts/build-js.ts"], { cwd: root, stdio: "inherit" });
  if (status !== 0) throw new Error("The server could not be built");
  await inTemporaryFolder(async (folder) => {
    const file = `${folder}/large.zip`;
    await writeStoredZip(file, archiveBytes);
    for (const [name, flags] of Object.entries(variants)) {
      printTitle(`an archive of 1 GB, ${name}`);
      await measureWith(flags, folder, file);
    }
  });
}

async function measureWith(flags: readonly string[], folder: string, file: string): Promise<void> {
  const server = await startStandalone(folder, flags);
  const options: BareServerOptions = { framework: "fastify", answers: {}, folder, file };
  const bare = await startServer("bare-server.ts", options, flags);
  try {
    await measure(server, bare, file);
  } finally {
    await Promise.all([server.stop(), bare.stop()]);
  }
}

async function measure(server: ServerProcess, bare: ServerProcess, file: string): Promise<void> {
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
    printTransfers(`${way}, registry`, ours);
    printTransfers(`${way}, bare fastify`, theirs);
    const seconds = (all: MeasuredTransfer[]) => median(all.map((one) => one.seconds));
    console.log(`  = ${way}: time ${ratio(seconds(ours) / seconds(theirs))}`);
  }
}

/** The peak is the highest of all rounds, the other figures are medians. */
function printTransfers(name: string, all: readonly MeasuredTransfer[]): void {
  const seconds = median(all.map((one) => one.seconds)).toFixed(1);
  const cpu = median(all.map((one) => one.cpuSecondsPerGb)).toFixed(2);
  const peak = Math.max(...all.map((one) => one.peakOverIdleMiB)).toFixed(0);
  console.log(`  ${name.padEnd(24)} ${seconds} s, ${cpu} CPU s/GB, peak +${peak} MiB over idle`);
}

async function startStandalone(folder: string, flags: readonly string[]): Promise<ServerProcess> {
  const port = await freePort();
  const data = `${folder}/${port}`;
  await mkdir(data);
  const child = spawnPinned([...flags, join(root, "examples/standalone/dist/main.js")], serverCore, {
    PORT: String(port),
    DATABASE_URL: `sqlite:${data}/registry.db`,
    STORAGE_URL: `file:${data}/blobs`,
    RATE_LIMIT: "off",
    LOG_LEVEL: "error",
    MAX_UPLOAD_BYTES: String(2 * archiveBytes),
    MAX_UNPACKED_BYTES: String(2 * archiveBytes),
  });
  child.stdout?.resume();
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null);
    if (answer?.ok) return processOf(child, port);
    await delay(100);
  }
  throw new Error("The standalone server does not answer");
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  return address !== null && typeof address === "object" ? address.port : 0;
}

async function signUp(port: number): Promise<string> {
  await post(port, "/register", user, "");
  const { token } = await post(port, "/login", user, "");
  return token ?? "";
}

async function pathFor(
  port: number,
  { way, token, version }: Pick<TransferPlan, "way" | "token"> & { version: string },
): Promise<string> {
  if (way === "get") return "/large-package/zipball/1.0.0-put";
  const opened = await post(port, "/releases", { name: "large-package", version }, token);
  return `/upload/${opened.upload_id}`;
}

async function post(port: number, path: string, body: object, token: string): Promise<Record<string, string>> {
  const headers = { "content-type": "application/json", ...(token === "" ? {} : { authorization: `Bearer ${token}` }) };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Record<string, string>;
}
