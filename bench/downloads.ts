import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { zipOf } from "@serverless-registry/core/testing";
import type { BareServerOptions } from "./bare-server.ts";
import { alternate, type Effort, type Measured, noteComparison, relate } from "./lib/compare.ts";
import type { Target } from "./lib/load.ts";
import { startNginx } from "./lib/nginx.ts";
import { loadCore, type ServerProcess, spawnScript, startServer } from "./lib/processes.ts";
import { publishArchive, signInAsOwner } from "./lib/publisher.ts";
import { printMeasured, printTitle } from "./lib/report.ts";
import { seed } from "./lib/seed.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import type { RegistryServerOptions } from "./registry-server.ts";
import type { SlowReadersPlan } from "./slow-readers.ts";

const sizes = { "1 KB": 1000, "100 KB": 100_000, "10 MB": 10_000_000 } as const;

/** What is aimed at, beside a constant in Fastify and beside nginx. */
const aims: Readonly<Record<string, { constant: string; nginx: string; cpuPerGb: string }>> = {
  "1 KB": { constant: "0.35 x", nginx: "", cpuPerGb: "" },
  "100 KB": { constant: "", nginx: "", cpuPerGb: "1.6" },
  "10 MB": { constant: "", nginx: "CPU 2 x", cpuPerGb: "" },
};
const flags = ["--max-semi-space-size=1"];
const readers = 32;
const watchedMs = 5000;

/** Downloads of three sizes against a constant in a bare Fastify and against nginx, and sent by nginx for us; memory under fast and slow readers. */
export async function benchDownloads(effort: Effort): Promise<void> {
  printTitle("downloads");
  await inTemporaryFolder(async (folder) => {
    const databasePath = `${folder}/registry.db`;
    await seed(databasePath, { packages: 10, firstVersions: 1 });
    const options: RegistryServerOptions = {
      ...{ framework: "fastify", databasePath, storageRoot: `${folder}/blobs`, rateLimits: "off" },
    };
    const files = await writeArchives(`${folder}/files`);
    const constants = Object.fromEntries(files.map(({ route, path }) => [route, path]));
    const bareOptions: BareServerOptions = { framework: "fastify", answers: {}, folder, constants };
    const server = await startServer("registry-server.ts", options, flags);
    const behind = await startServer("registry-server.ts", { ...options, nginxPath: "/_archives" }, flags);
    const bare = await startServer("bare-server.ts", bareOptions);
    const passing = { port: behind.port, path: "/_archives", blobs: `${folder}/blobs/blobs` };
    const nginx = await startNginx(`${folder}/nginx`, `${folder}/files`, passing);
    try {
      const token = await signInAsOwner(server.port);
      for (const [at, { bytes }] of files.entries()) await publishArchive(server.port, token, `1.0.${at}`, bytes);
      await compareSizes({ server, behind, bare, nginx }, files, effort);
      await watchMemory(server, effort);
    } finally {
      await Promise.all([server.stop(), behind.stop(), bare.stop(), nginx?.stop()]);
    }
  });
}

interface ArchiveFile {
  name: string;
  route: string;
  path: string;
  bytes: Buffer;
}

async function writeArchives(folder: string): Promise<ArchiveFile[]> {
  await mkdir(folder);
  const files: ArchiveFile[] = [];
  for (const [name, size] of Object.entries(sizes)) {
    const bytes = await zipOf({ "index.bin": randomBytes(size) }, { store: true });
    const route = `/${size}.zip`;
    files.push({ name, route, path: folder + route, bytes });
    await writeFile(folder + route, bytes);
  }
  return files;
}

interface Servers {
  server: ServerProcess;
  /** The registry that leaves the sending to nginx. */
  behind: ServerProcess;
  bare: ServerProcess;
  nginx: ServerProcess | null;
}

async function compareSizes(
  { server, behind, bare, nginx }: Servers,
  files: readonly ArchiveFile[],
  effort: Effort,
): Promise<void> {
  for (const [at, { name, route, bytes }] of files.entries()) {
    // Many large ones at once would not end within a round.
    const connections = bytes.length > 1e6 ? 4 : readers;
    const own: Target = { name: `download ${name}`, server, connections, paths: [downloadPath(at)] };
    const targets: Target[] = [own, { name: "constant in fastify", server: bare, connections, paths: [route] }];
    if (nginx !== null) {
      const together = { ...nginx, cpuSeconds: () => nginx.cpuSeconds() + behind.cpuSeconds() };
      targets.push(
        { name: "nginx", server: nginx, connections, paths: [route] },
        { ...own, name: `download ${name}, sent by nginx`, server: together },
      );
    }
    const measured = await alternate(targets, effort);
    for (const one of measured) printMeasured(one);
    const [ours, constant, theirs, sent] = measured;
    if (ours === undefined || constant === undefined) throw new Error("A measurement is missing");
    const aim = aims[name] ?? { constant: "", nginx: "", cpuPerGb: "" };
    noteComparison(relate(ours, constant, aim.constant), effort);
    if (theirs !== undefined) noteComparison(relate(ours, theirs, aim.nginx), effort);
    if (theirs !== undefined && sent !== undefined)
      noteComparison(relate(sent, theirs, bytes.length > 1e6 ? "0.9 x" : ""), effort);
    const figure = measured.map((one) => cpuPerGb(one).toFixed(2)).join(" / ");
    const scenario = `CPU s/GB of ${name}: ${["registry", "constant", "nginx", "both"].slice(0, measured.length).join(" / ")}`;
    effort.figures.push({ scenario, figure, aim: aim.cpuPerGb });
  }
}

function cpuPerGb({ cpuUs, bytesPerAnswer }: Measured): number {
  return (cpuUs * 1000) / bytesPerAnswer;
}

function downloadPath(at: number): string {
  return `/uploads/zipball/1.0.${at}`;
}

/** The most memory that the server held over what it holds when nobody reads. */
async function watchMemory(server: ServerProcess, { figures }: Effort): Promise<void> {
  await delay(2000);
  const idle = server.memory().residentMiB;
  const path = downloadPath(2);
  server.resetPeak();
  const plan = { port: server.port, path, readers, pieceBytes: 65_536, durationMs: watchedMs };
  await read({ ...plan, pauseMs: 0 });
  const fast = server.memory().peakMiB - idle;
  await delay(2000);
  server.resetPeak();
  await read({ ...plan, pauseMs: 50 });
  const slow = server.memory().peakMiB - idle;
  const scenario = `memory under ${readers} readers of 10 MB, over idle: fast / slow`;
  const figure = `+${fast.toFixed(0)} / +${slow.toFixed(0)} MiB`;
  console.log(`  ${scenario} ${figure}`);
  figures.push({ scenario, figure, aim: "+32 MiB" });
}

async function read(plan: SlowReadersPlan): Promise<void> {
  const child = spawnScript("slow-readers.ts", plan, { core: loadCore });
  child.stdout?.resume();
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error("The readers failed");
}
