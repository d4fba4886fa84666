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
      const started = [];
      for (const size of sizes) {
        await seedLoudly(folder, size);
        const server = await startOn(folder, size);
        const forgetful = await startOn(folder, size, { cacheBytes: 0 });
        servers.push(server, forgetful);
        started.push({ server, forgetful, size });
      }
      printTitle(`the same requests among ${sizes.join(", ")} packages`);
      const short: Effort = { ...effort, rounds: Math.min(effort.rounds, maxRounds) };
      const catalogues = await Promise.all(started.map(prepare));
      for (const [name, scenarioOf] of Object.entries(scenarios)) {
        const targets = catalogues.map((catalogue): Target => {
          const { server, size } = catalogue;
          return { name: `${name}, ${size} packages`, server, order: "random", ...scenarioOf(catalogue) };
        });
        const [fewest, ...others] = await alternate(targets, short);
        if (fewest !== undefined) printScaled(effort, fewest, others);
      }
      await publishAmong(catalogues, short);
      for (const { server, size } of catalogues) {
        const figure = `${server.memory().residentMiB.toFixed(0)} MiB`;
        effort.figures.push({ scenario: `memory of the server that keeps, with ${size} packages`, figure, aim: "" });
      }
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  });
}

/** A server with so many packages. */
interface Started {
  server: ServerProcess;
  /** Another one on the same database, which keeps nothing that it has read. */
  forgetful: ServerProcess;
  size: number;
}

/** One with one more package, which was published. */
interface Catalogue extends Started {
  token: string;
  /** Of the answer about the first package's latest version. */
  etag: string;
}

async function prepare(started: Started): Promise<Catalogue> {
  const { server } = started;
  const token = await signInAsOwner(server.port);
  const archive = await zipOf({ "index.bin": randomBytes(archiveBytes) }, { store: true });
  await publishArchive(server.port, token, downloaded, archive);
  const latest = await fetch(`http://127.0.0.1:${server.port}${latestOf(1)}`);
  return { ...started, token, etag: latest.headers.get("etag") ?? "" };
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

type Scenario = Pick<Target, "paths" | "connections" | "headers" | "status"> & Partial<Pick<Target, "server">>;

/**
 * What is asked for, by name. Packages at random are in memory where there are few of them, and mostly not where there are many; where
 * nothing is kept, few and many are read alike.
 */
const scenarios: Readonly<Record<string, (catalogue: Catalogue) => Scenario>> = {
  "latest, one package": () => ({ paths: [latestOf(1)] }),
  "latest 304, one package": ({ etag }) => ({ paths: [latestOf(1)], headers: { "if-none-match": etag }, status: 304 }),
  "latest, packages at random": ({ size }) => ({ paths: someLatest(size) }),
  "latest, packages at random, none kept": ({ size, forgetful }) => ({ paths: someLatest(size), server: forgetful }),
  "exact version, one package": () => ({ paths: [`/${packageName(1)}/releases/tags/1.2.3`] }),
  "list of 100": () => ({ paths: [`/${packageName(1)}/releases`] }),
  "download of 100 KB": () => ({ paths: [`/uploads/zipball/${downloaded}`] }),
  "search, one name, none kept": (catalogue) => searching(catalogue, packageName(777)),
  "search, word in one of 10, none kept": (catalogue) => searching(catalogue, searchWords.tenth),
  "search, word in all, none kept": (catalogue) => searching(catalogue, searchWords.all),
};

function searching({ forgetful: server }: Catalogue, text: string): Scenario {
  return { paths: [`/search?search=${encodeURIComponent(text)}`], connections: 4, server };
}

function someLatest(size: number): string[] {
  return Array.from({ length: Math.min(size, 100_000) }, () => latestOf(1 + Math.floor(Math.random() * size)));
}

function latestOf(id: number): string {
  return `/${packageName(id)}/releases/latest`;
}

async function seedLoudly(folder: string, size: number): Promise<void> {
  const startedAt = performance.now();
  await seed(databaseIn(folder, size), { packages: size, firstVersions: 100 });
  console.log(`seeded ${size} packages in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}

function startOn(folder: string, size: number, options: Pick<RegistryServerOptions, "cacheBytes"> = {}) {
  const databasePath = databaseIn(folder, size);
  const shared = { framework: "fastify", storageRoot: `${folder}/blobs`, rateLimits: "off" } as const;
  return startServer("registry-server.ts", { ...shared, databasePath, ...options } satisfies RegistryServerOptions);
}

function databaseIn(folder: string, size: number): string {
  return `${folder}/${size}.db`;
}
