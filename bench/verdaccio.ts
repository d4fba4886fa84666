import { alternate, type Effort, type Measured } from "./lib/compare.ts";
import type { Target } from "./lib/load.ts";
import { type ServerProcess, startServer } from "./lib/processes.ts";
import { signInAsOwner } from "./lib/publisher.ts";
import { printMeasured, printTable, printTitle, ratio } from "./lib/report.ts";
import { seed } from "./lib/seed.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import { alternateUploads } from "./lib/upload.ts";
import { startVerdaccio, type Verdaccio } from "./lib/verdaccio.ts";
import type { RegistryServerOptions } from "./registry-server.ts";

const archiveBytes = 100_000;
const versions = 100;

/** The registry and Verdaccio in one run: latest, list, download, publish. Only the registry's publish survives loss of power. */
export async function benchVerdaccio(effort: Effort): Promise<void> {
  printTitle("against Verdaccio");
  await inTemporaryFolder(async (folder) => {
    const verdaccio = await startVerdaccio(`${folder}/verdaccio`);
    if (verdaccio === null) return;
    const databasePath = `${folder}/registry.db`;
    await seed(databasePath, { packages: 1000, firstVersions: 1 });
    const options: RegistryServerOptions = {
      ...{ framework: "fastify", databasePath, storageRoot: `${folder}/blobs`, rateLimits: "off" },
    };
    const server = await startServer("registry-server.ts", options);
    try {
      await compareWith(verdaccio, server, effort);
    } finally {
      await Promise.all([server.stop(), verdaccio.server.stop()]);
    }
  });
}

async function compareWith(verdaccio: Verdaccio, server: ServerProcess, effort: Effort): Promise<void> {
  const token = await signInAsOwner(server.port);
  const ours = { server, token, archiveBytes, way: "two requests" } as const;
  const theirs = { server: verdaccio.server, token: verdaccio.token, archiveBytes, way: "npm" } as const;
  for (const target of [ours, theirs]) {
    // A package with many versions to list, and sixteen with one more.
    await alternateUploads([{ ...target, connections: 1 }], { rounds: 0, count: versions, firstRound: 1 });
    await alternateUploads([{ ...target, connections: 16 }], { rounds: 0, count: 16, firstRound: 2 });
  }
  const pairs = {
    latest: ["/uploads-1/releases/latest", "/uploads-1/latest"],
    [`list of ${versions} versions`]: ["/uploads-0/releases", "/uploads-0"],
    "download of 100 KB": ["/uploads-1/zipball/2.1.1", "/uploads-1/-/uploads-1-2.1.1.tgz"],
  };
  const rows: string[][] = [];
  for (const [name, [path = "", theirPath = ""]] of Object.entries(pairs)) {
    const targets: Target[] = [
      { name: `${name}, registry`, server, paths: [path] },
      { name: `${name}, Verdaccio`, server: verdaccio.server, paths: [theirPath] },
    ];
    rows.push(toRow(name, await alternate(targets, effort)));
  }
  for (const connections of [1, 16]) {
    const targets = [
      { ...ours, connections },
      { ...theirs, connections },
    ];
    const pair = await alternateUploads(targets, { rounds: effort.rounds, count: 64, firstRound: 100 * connections });
    const measured = pair.map((one) => ({ ...one, bytesPerAnswer: archiveBytes }));
    rows.push(toRow(`publish of 100 KB, ${connections} at once`, measured));
  }
  printTable(["", "rate / Verdaccio's", "CPU / Verdaccio's"], rows);
}

function toRow(name: string, [ours, theirs]: readonly Omit<Measured, "answers" | "statuses">[]): string[] {
  if (ours === undefined || theirs === undefined) throw new Error("A measurement is missing");
  printMeasured(ours);
  printMeasured(theirs);
  return [name, ratio(ours.perSecond / theirs.perSecond), ratio(ours.cpuUs / theirs.cpuUs)];
}
