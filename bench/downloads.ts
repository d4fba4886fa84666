import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { zipOf } from "@serverless-registry/core/testing";
import type { BareServerOptions } from "./bare-server.ts";
import { alternate, type Effort, type Measured } from "./lib/compare.ts";
import type { Target } from "./lib/load.ts";
import { startNginx } from "./lib/nginx.ts";
import { loadCore, type ServerProcess, spawnScript, startServer } from "./lib/processes.ts";
import { publishArchive, signInAsOwner } from "./lib/publisher.ts";
import { printMeasured, printTable, printTitle, ratio } from "./lib/report.ts";
import { seed } from "./lib/seed.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import type { RegistryServerOptions } from "./registry-server.ts";
import type { SlowReadersPlan } from "./slow-readers.ts";

const sizes = { "1 KB": 1000, "100 KB": 100_000, "10 MB": 10_000_000 } as const;
const readers = 32;
const watchedMs = 5000;

/** Downloads of three sizes against a constant in a bare Fastify and against nginx; memory under fast and slow readers. */
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
    const server = await startServer("registry-server.ts", options, ["--max-semi-space-size=1"]);
    const bare = await startServer("bare-server.ts", bareOptions);
    const nginx = await startNginx(`${folder}/nginx`, `${folder}/files`);
    try {
      const token = await signInAsOwner(server.port);
      for (const [at, { bytes }] of files.entries()) await publishArchive(server.port, token, `1.0.${at}`, bytes);
      await compareSizes({ server, bare, nginx }, files, effort);
      await watchMemory(server);
    } finally {
      await Promise.all([server.stop(), bare.stop(), nginx?.stop()]);
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

async function compareSizes(
  { server, bare, nginx }: { server: ServerProcess; bare: ServerProcess; nginx: ServerProcess | null },
  files: readonly ArchiveFile[],
  effort: Effort,
): Promise<void> {
  const rows: string[][] = [];
  for (const [at, { name, route, bytes }] of files.entries()) {
    // Many large ones at once would not end within a round.
    const connections = bytes.length > 1e6 ? 4 : readers;
    const targets: Target[] = [
      { name: `${name}, registry`, server, connections, paths: [downloadPath(at)] },
      { name: `${name}, constant in fastify`, server: bare, connections, paths: [route] },
      ...(nginx === null ? [] : [{ name: `${name}, nginx`, server: nginx, connections, paths: [route] }]),
    ];
    const [ours, constant, theirs] = await alternate(targets, effort);
    if (ours === undefined || constant === undefined) throw new Error("A measurement is missing");
    for (const one of [ours, constant, theirs]) if (one !== undefined) printMeasured(one);
    rows.push([
      name,
      ratio(ours.perSecond / constant.perSecond),
      ...(theirs === undefined
        ? ["", ""]
        : [ratio(ours.perSecond / theirs.perSecond), ratio(ours.cpuUs / theirs.cpuUs)]),
      ...[ours, constant, theirs].map((one) => (one === undefined ? "" : cpuPerGb(one).toFixed(2))),
    ]);
  }
  const figures = ["rate / constant", "rate / nginx", "CPU / nginx", "CPU s/GB", "constant's", "nginx's"];
  printTable(["download", ...figures], rows);
}

function cpuPerGb({ cpuUs, bytesPerAnswer }: Measured): number {
  return (cpuUs * 1000) / bytesPerAnswer;
}

function downloadPath(at: number): string {
  return `/uploads/zipball/1.0.${at}`;
}

/** The most memory that the server held over what it holds when nobody reads. */
async function watchMemory(server: ServerProcess): Promise<void> {
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
  printTable(
    [`memory under ${readers} readers of 10 MB`, "peak over idle"],
    [
      ["fast", `+${fast.toFixed(0)} MiB`],
      ["slow", `+${slow.toFixed(0)} MiB`],
    ],
  );
}

async function read(plan: SlowReadersPlan): Promise<void> {
  const child = spawnScript("slow-readers.ts", plan, { core: loadCore });
  child.stdout?.resume();
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error("The readers failed");
}
