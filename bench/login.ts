import { writeFile } from "node:fs/promises";
import { alternate, type Effort, median, relate } from "./lib/compare.ts";
import { load, type Target } from "./lib/load.ts";
import { startServer } from "./lib/processes.ts";
import { printMeasured, printTitle, ratio } from "./lib/report.ts";
import { ownerName, ownerPassword, packageName, seed } from "./lib/seed.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import type { RegistryServerOptions } from "./registry-server.ts";

/** Under a flood the first answer may take longer than a usual round. */
const minRoundMs = 5000;

/** Sign-ins one after another and four at once, and what four at once, and a flood of them, leave of the reads. */
export async function benchLogin(usual: Effort): Promise<void> {
  const effort: Effort = { ...usual, roundMs: Math.max(usual.roundMs, minRoundMs) };
  printTitle("login");
  await inTemporaryFolder(async (folder) => {
    const databasePath = `${folder}/registry.db`;
    await seed(databasePath, { packages: 1000, firstVersions: 1 });
    const options: RegistryServerOptions = {
      ...{ framework: "fastify", databasePath, storageRoot: `${folder}/blobs`, rateLimits: "counting" },
    };
    const server = await startServer("registry-server.ts", options);
    const bodyFile = `${folder}/login.json`;
    await writeFile(bodyFile, JSON.stringify({ username: ownerName, password: ownerPassword }));
    const headers = { "content-type": "application/json" };
    const login: Target = {
      name: "login",
      server,
      paths: ["/login"],
      method: "POST",
      headers,
      bodyFile,
      connections: 1,
    };
    const latest: Target = { name: "latest", server, paths: [`/${packageName(1)}/releases/latest`] };
    try {
      const logins = [
        { ...login, name: "login, 1 at once" },
        { ...login, name: "login, 4 at once", connections: 4 },
      ];
      for (const measured of await alternate(logins, effort)) {
        printMeasured(measured);
        const figure = `${measured.perSecond.toFixed(0)} per second`;
        effort.figures.push({ scenario: measured.name, figure, aim: "45 per second and core" });
      }
      for (const connections of [4, 32]) await besideLogins({ latest, login: { ...login, connections } }, effort);
    } finally {
      await server.stop();
    }
  });
}

/** What sign-ins leave of the reads: rounds alone and rounds beside them by turns, since others may use the machine too. */
async function besideLogins({ latest, login }: { latest: Target; login: Target }, effort: Effort): Promise<void> {
  const ratios: Record<"rate" | "p50" | "p99", number[]> = { rate: [], p50: [], p99: [] };
  const p99Ms: number[] = [];
  for (let round = 0; round < effort.rounds; round++) {
    const alone = { name: "latest alone", ...(await load(latest, effort.roundMs)) };
    const [reads, logins] = await Promise.all([load(latest, effort.roundMs), load(login, effort.roundMs)]);
    const beside = { name: `latest beside ${login.connections} logins`, ...reads };
    const { rateRatio, p99Ratio } = relate(beside, alone);
    ratios.rate.push(rateRatio);
    ratios.p50.push(beside.p50Us / alone.p50Us);
    ratios.p99.push(p99Ratio);
    p99Ms.push(beside.p99Us / 1000);
    if (round === 0) for (const one of [alone, beside, { name: "these logins", ...logins }]) printMeasured(one);
  }
  const of = (name: keyof typeof ratios) => ratio(median(ratios[name]));
  const scenario = `latest beside ${login.connections} logins at once, over latest alone: rate / p50 / p99`;
  const figure = `${of("rate")} / ${of("p50")} / ${of("p99")}, p99 ${median(p99Ms).toFixed(1)} ms`;
  console.log(`  = ${scenario}: ${figure}`);
  effort.figures.push({ scenario, figure, aim: login.connections === 4 ? "rate 0.45 x, p99 25 ms" : "" });
}
