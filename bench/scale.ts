import { alternate, type Effort, relate } from "./lib/compare.ts";
import type { Target } from "./lib/load.ts";
import { type ServerProcess, startServer } from "./lib/processes.ts";
import { printMeasured, printTitle, ratio } from "./lib/report.ts";
import { packageName, seed } from "./lib/seed.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import type { RegistryServerOptions } from "./registry-server.ts";

const sizes = { small: 1000, large: 100_000 } as const;

/** *latest* with few and with many packages: one hot package, and packages at random, most of which no cache holds. */
export async function benchScale(effort: Effort): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const small = await startSeeded(folder, sizes.small);
    const large = await startSeeded(folder, sizes.large);
    try {
      printTitle(`latest with ${sizes.small} and with ${sizes.large} packages`);
      const idle = large.memory().residentMiB;
      const targets = [
        latestOf("hot, few packages", small, [1]),
        latestOf("hot, many packages", large, [1]),
        latestOf("random, few packages", small, numbersTo(sizes.small)),
        latestOf("random, many packages", large, numbersTo(sizes.large)),
      ];
      const measured = await alternate(targets, effort);
      measured.forEach(printMeasured);
      const [hotFew, hotMany, randomFew, randomMany] = measured;
      if (!hotFew || !hotMany || !randomFew || !randomMany) throw new Error("A measurement is missing");
      for (const { target, peer, rateRatio, cpuRatio } of [
        relate(hotMany, hotFew),
        relate(randomMany, randomFew),
        relate(randomFew, hotFew),
        relate(randomMany, hotFew),
      ]) {
        console.log(`  = ${target.name} / ${peer.name}: rate ${ratio(rateRatio)}, CPU ${ratio(cpuRatio)}`);
      }
      const { residentMiB } = large.memory();
      console.log(`  memory with many packages: ${idle.toFixed(0)} MiB idle, ${residentMiB.toFixed(0)} MiB afterwards`);
    } finally {
      await Promise.all([small.stop(), large.stop()]);
    }
  });
}

async function startSeeded(folder: string, packages: number): Promise<ServerProcess> {
  const databasePath = `${folder}/${packages}.db`;
  const startedAt = performance.now();
  await seed(databasePath, { packages, firstVersions: 1 });
  console.log(`seeded ${packages} packages in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  const options: RegistryServerOptions = {
    ...{ framework: "fastify", databasePath, storageRoot: `${folder}/blobs`, rateLimits: "off" },
  };
  return startServer("registry-server.ts", options);
}

function latestOf(name: string, server: ServerProcess, ids: readonly number[]): Target {
  return { name, server, paths: ids.map((id) => `/${packageName(id)}/releases/latest`), order: "random" };
}

function numbersTo(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at + 1);
}
