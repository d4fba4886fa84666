import { randomBytes } from "node:crypto";
import { zipOf } from "@serverless-registry/core/testing";
import { alternate, type Compared, type Effort, type Measured, noteComparison, relate } from "./lib/compare.ts";
import type { Target } from "./lib/load.ts";
import { type ServerProcess, startServer } from "./lib/processes.ts";
import { publishArchive, signInAsOwner } from "./lib/publisher.ts";
import { printMeasured, printTitle } from "./lib/report.ts";
import { packageName, searchWords, seed } from "./lib/seed.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import { alternateUploads, type UploadTarget } from "./lib/upload.ts";
import type { RegistryServerOptions } from "./registry-server.ts";

const sizes = [1000, 100_000, 1_000_000] as const;
const archiveBytes = 100_000;
const publishedPerRound = 100;
/** Version that is downloaded. */
const downloaded = "0.0.1";

/** Rounds that are enough here: there are many targets, and CPU time is compared. */
const maxRounds = 3;

/** The same requests among few, many and very many packages; each ratio is to the fewest. */
export async function benchScale(effort: Effort): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const servers: ServerProcess[] = [];
    try {
      for (const size of sizes) servers.push(await startSeeded(folder, size));
      printTitle(`the same requests among ${sizes.join(", ")} packages`);
      const short: Effort = { ...effort, rounds: Math.min(effort.rounds, maxRounds) };
      const catalogues = await Promise.all(servers.map((server, at) => prepare(server, sizes[at] ?? sizes[0])));
      for (const name of Object.keys(scenariosOf(catalogues[0]))) {
        const targets = catalogues.map((catalogue) => targetOf(name, catalogue));
        const [fewest, ...others] = await alternate(targets, short);
        if (fewest !== undefined) printScaled(effort, fewest, others);
      }
      await publishAmong(catalogues, short);
      for (const [at, server] of servers.entries()) {
        const figure = `${server.memory().residentMiB.toFixed(0)} MiB`;
        effort.figures.push({ scenario: `memory with ${sizes[at]} packages after these requests`, figure, aim: "" });
      }
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  });
}

/** A server with so many packages, and one more that was published. */
interface Catalogue {
  server: ServerProcess;
  size: number;
  token: string;
  /** Of the answer about the first package's latest version. */
  etag: string;
}

async function prepare(server: ServerProcess, size: number): Promise<Catalogue> {
  const token = await signInAsOwner(server.port);
  const archive = await zipOf({ "index.bin": randomBytes(archiveBytes) }, { store: true });
  await publishArchive(server.port, token, downloaded, archive);
  const latest = await fetch(`http://127.0.0.1:${server.port}${latestOf(1)}`);
  return { server, size, token, etag: latest.headers.get("etag") ?? "" };
}

/** Publishes one version after the other. */
async function publishAmong(catalogues: readonly Catalogue[], effort: Effort): Promise<void> {
  const targets = catalogues.map(
    ({ server, token }): UploadTarget => ({ server, token, way: "put", connections: 1, archiveBytes }),
  );
  const measured = await alternateUploads(targets, { rounds: effort.rounds, count: publishedPerRound, firstRound: 1 });
  const [fewest, ...others] = measured.map((one, at) => ({
    ...one,
    name: `publish, ${one.name}, ${catalogues[at]?.size} packages`,
    bytesPerAnswer: archiveBytes,
  }));
  if (fewest !== undefined) printScaled(effort, fewest, others);
}

/** What is printed of a measurement. */
type Printed = Compared & Pick<Measured, "bytesPerAnswer">;

function printScaled(effort: Effort, fewest: Printed, others: readonly Printed[]): void {
  printMeasured(fewest);
  for (const other of others) {
    printMeasured(other);
    noteComparison(relate(other, { ...fewest, name: `${sizes[0]} packages` }, "CPU 1.25 x"), effort);
  }
}

type Scenario = Pick<Target, "paths" | "connections" | "headers" | "status">;

/** What is asked for, by name. Packages at random are in memory where there are few of them, and mostly not where there are many. */
function scenariosOf(
  { size, etag }: Pick<Catalogue, "size" | "etag"> = { size: 1, etag: "" },
): Record<string, Scenario> {
  const search = (text: string) => ({ paths: [`/search?search=${encodeURIComponent(text)}`], connections: 4 });
  const random = Array.from({ length: Math.min(size, 100_000) }, () => 1 + Math.floor(Math.random() * size));
  return {
    "latest, one package": { paths: [latestOf(1)] },
    "latest 304, one package": { paths: [latestOf(1)], headers: { "if-none-match": etag }, status: 304 },
    "latest, packages at random": { paths: random.map(latestOf) },
    "exact version, one package": { paths: [`/${packageName(1)}/releases/tags/1.2.3`] },
    "list of 100": { paths: [`/${packageName(1)}/releases`] },
    "download of 100 KB": { paths: [`/uploads/zipball/${downloaded}`] },
    "search, one name": search(packageName(777)),
    "search, word in one of 10": search(searchWords.tenth),
    "search, word in all": search(searchWords.all),
  };
}

function targetOf(name: string, catalogue: Catalogue): Target {
  const scenario = scenariosOf(catalogue)[name] ?? { paths: [] };
  return { name: `${name}, ${catalogue.size} packages`, server: catalogue.server, order: "random", ...scenario };
}

function latestOf(id: number): string {
  return `/${packageName(id)}/releases/latest`;
}

async function startSeeded(folder: string, packages: number): Promise<ServerProcess> {
  const databasePath = `${folder}/${packages}.db`;
  const startedAt = performance.now();
  await seed(databasePath, { packages, firstVersions: 100 });
  console.log(`seeded ${packages} packages in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  const options: RegistryServerOptions = {
    ...{ framework: "fastify", databasePath, storageRoot: `${folder}/blobs`, rateLimits: "off" },
  };
  return startServer("registry-server.ts", options);
}
