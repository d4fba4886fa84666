import { writeFile } from "node:fs/promises";
import { alternate, type Effort, relate } from "./lib/compare.ts";
import { load, type Target } from "./lib/load.ts";
import { startServer } from "./lib/processes.ts";
import { printMeasured, printTitle, ratio } from "./lib/report.ts";
import { ownerName, ownerPassword, packageName, seed } from "./lib/seed.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import type { RegistryServerOptions } from "./registry-server.ts";

/** Sign-ins one after another and four at once, and what four at once leave of the reads. */
export async function benchLogin(effort: Effort): Promise<void> {
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
      for (const measured of await alternate(logins, effort)) printMeasured(measured);
      const alone = await load({ ...latest, name: "latest alone" }, effort.roundMs);
      const [beside] = await Promise.all([
        load({ ...latest, name: "latest beside 4 logins" }, effort.roundMs),
        load({ ...login, connections: 4 }, effort.roundMs),
      ]);
      const reads = relate({ name: "latest beside 4 logins", ...beside }, { name: "latest alone", ...alone });
      printMeasured(reads.target);
      printMeasured(reads.peer);
      console.log(`  = reads keep ${ratio(reads.rateRatio)} of their rate`);
    } finally {
      await server.stop();
    }
  });
}
