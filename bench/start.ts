import { setTimeout as delay } from "node:timers/promises";
import { type Effort, median } from "./lib/compare.ts";
import { printTitle } from "./lib/report.ts";
import { seed } from "./lib/seed.ts";
import { startStandalone } from "./lib/standalone.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";

const packages = 100_000;

/** How long a server that has nothing to do is left alone before its memory is looked at. */
const idleMs = 2000;

/** How soon the standalone server answers with many packages, and what memory it holds when idle. */
export async function benchStart({ rounds, figures }: Effort): Promise<void> {
  printTitle(`start with ${packages} packages`);
  await inTemporaryFolder(async (folder) => {
    const path = `${folder}/registry.db`;
    await seed(path, { packages, firstVersions: 1 });
    const starts: number[] = [];
    const shares: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const startedAt = performance.now();
      // As `npm start` does it.
      const server = await startStandalone(folder, ["--max-semi-space-size=1"], { DATABASE_URL: `sqlite:${path}` });
      starts.push(performance.now() - startedAt);
      await delay(idleMs);
      shares.push(server.shareMiB());
      await server.stop();
    }
    const [startMs, idleMiB] = [median(starts).toFixed(0), median(shares).toFixed(0)];
    console.log(`  answers after ${startMs} ms, holds ${idleMiB} MiB when idle`);
    figures.push(
      { scenario: `start with ${packages} packages`, figure: `${startMs} ms`, aim: "1000 ms" },
      { scenario: `idle memory (PSS) with ${packages} packages`, figure: `${idleMiB} MiB`, aim: "70 MiB" },
    );
  });
}
