import { alternate, type Effort } from "./lib/compare.ts";
import type { Target } from "./lib/load.ts";
import { startServer } from "./lib/processes.ts";
import { printMeasured, printTitle } from "./lib/report.ts";
import { searchWords, seed } from "./lib/seed.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import type { RegistryServerOptions } from "./registry-server.ts";

const packages = 100_000;

const questions = {
  "word in one of 10,000": searchWords.rare,
  "two Chinese characters, one of 100": searchWords.chinese,
  "word in one of 10": searchWords.tenth,
  "word in all": searchWords.all,
  "two words, one of 10": `${searchWords.all} ${searchWords.tenth}`,
  "two words, each in one of 10, never together": `${searchWords.tenth} ${searchWords.otherTenth}`,
  "two words, each in half, never together": `${searchWords.half} ${searchWords.otherHalf}`,
  "one name": "component-0000777",
} as const;

/** Searches among many packages, one at a time. */
export async function benchSearch(effort: Effort): Promise<void> {
  printTitle(`search among ${packages} packages, one connection`);
  await inTemporaryFolder(async (folder) => {
    const databasePath = `${folder}/registry.db`;
    await seed(databasePath, { packages, firstVersions: 1 });
    const options: RegistryServerOptions = {
      ...{ framework: "fastify", databasePath, storageRoot: `${folder}/blobs`, rateLimits: "off" },
    };
    const server = await startServer("registry-server.ts", options);
    try {
      const targets = Object.entries(questions).map(
        ([name, text]): Target => ({
          ...{ name, server, connections: 1, paths: [`/search?search=${encodeURIComponent(text)}`] },
        }),
      );
      for (const measured of await alternate(targets, effort)) {
        printMeasured(measured);
        const [p50, p99] = [measured.p50Us, measured.p99Us].map((us) => (us / 1000).toFixed(1));
        const scenario = `search among ${packages}: ${measured.name}`;
        effort.figures.push({ scenario, figure: `p50 ${p50} ms, p99 ${p99} ms`, aim: "1 ms, 5 ms" });
      }
    } finally {
      await server.stop();
    }
  });
}
