import { compare, type Effort, noteComparison, relate } from "./lib/compare.ts";
import type { Target } from "./lib/load.ts";
import { type ServerProcess, startServer } from "./lib/processes.ts";
import { signInAsOwner } from "./lib/publisher.ts";
import { printMeasured, printTitle } from "./lib/report.ts";
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
    latest: { path: "/uploads-1/releases/latest", theirPath: "/uploads-1/latest", aim: "10 x" },
    [`list of ${versions} versions`]: { path: "/uploads-0/releases", theirPath: "/uploads-0", aim: "60 x" },
    "download 100 KB": {
      ...{ path: "/uploads-1/zipball/2.1.1", theirPath: "/uploads-1/-/uploads-1-2.1.1.tgz", aim: "4 x" },
    },
  };
  for (const [name, { path, theirPath, aim }] of Object.entries(pairs)) {
    const peer: Target = { name: "Verdaccio", server: verdaccio.server, paths: [theirPath] };
    await compare({ name, server, paths: [path] }, peer, effort, aim);
  }
  for (const connections of [1, 16]) {
    const targets = [
      { ...ours, connections },
      { ...theirs, connections },
    ];
    const plan = { rounds: effort.rounds, count: 64, firstRound: 100 * connections };
    const [own, other] = await alternateUploads(targets, plan);
    if (own === undefined || other === undefined) throw new Error("A measurement is missing");
    for (const one of [own, other]) printMeasured({ ...one, bytesPerAnswer: archiveBytes });
    const name = `publish 100 KB, ${connections} at once`;
    noteComparison(relate({ ...own, name }, { ...other, name: "Verdaccio" }, "1.7 x"), effort);
  }
}
