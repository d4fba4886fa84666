import { alternate, type Effort, type Measured, noteComparison, relate } from "./lib/compare.ts";
import type { Target } from "./lib/load.ts";
import { type ServerProcess, startServer } from "./lib/processes.ts";
import { printMeasured, printTitle } from "./lib/report.ts";
import { packageName, searchWords, seed } from "./lib/seed.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import type { RegistryServerOptions } from "./registry-server.ts";

const sizes = [1000, 100_000, 1_000_000] as const;

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
      const names = Object.keys(scenariosOf(sizes[0]));
      for (const name of names) {
        const targets = servers.map((server, at) => targetOf(name, server, sizes[at] ?? sizes[0]));
        const [fewest, ...others] = await alternate(targets, short);
        if (fewest !== undefined) printScaled(effort, fewest, others);
      }
      for (const [at, server] of servers.entries()) {
        const figure = `${server.memory().residentMiB.toFixed(0)} MiB`;
        effort.figures.push({ scenario: `memory with ${sizes[at]} packages after these requests`, figure, aim: "" });
      }
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  });
}

function printScaled(effort: Effort, fewest: Measured, others: readonly Measured[]): void {
  printMeasured(fewest);
  for (const other of others) {
    printMeasured(other);
    noteComparison(relate(other, { ...fewest, name: `${sizes[0]} packages` }, "CPU 1.25 x"), effort);
  }
}

/** What is asked for, by name. Packages at random are in memory where there are few of them, and mostly not where there are many. */
function scenariosOf(size: number): Record<string, Pick<Target, "paths" | "connections">> {
  const search = (text: string) => ({ paths: [`/search?search=${encodeURIComponent(text)}`], connections: 4 });
  const random = Array.from({ length: Math.min(size, 100_000) }, () => 1 + Math.floor(Math.random() * size));
  return {
    "latest, one package": { paths: [latestOf(1)] },
    "latest, packages at random": { paths: random.map(latestOf) },
    "exact version, one package": { paths: [`/${packageName(1)}/releases/tags/1.2.3`] },
    "list of 100": { paths: [`/${packageName(1)}/releases`] },
    "search, one name": search(packageName(777)),
    "search, word in one of 10": search(searchWords.tenth),
    "search, word in all": search(searchWords.all),
  };
}

function targetOf(name: string, server: ServerProcess, size: number): Target {
  const { paths = [], connections = 32 } = scenariosOf(size)[name] ?? {};
  return { name: `${name}, ${size} packages`, server, paths, connections, order: "random" };
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
