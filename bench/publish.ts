import type { BareServerOptions } from "./bare-server.ts";
import { type Effort, noteComparison, relate } from "./lib/compare.ts";
import { startNginx } from "./lib/nginx.ts";
import { startServer } from "./lib/processes.ts";
import { signInAsOwner } from "./lib/publisher.ts";
import { printMeasured, printTitle } from "./lib/report.ts";
import { seed } from "./lib/seed.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import { alternateUploads, type MeasuredUploads, type UploadTarget } from "./lib/upload.ts";
import type { RegistryServerOptions } from "./registry-server.ts";

const archiveBytes = 100_000;
const perRound = 200;

/** Publishes archives of 100 KB among 1,000 and among 100,000 packages, against a bare durable upload of the same bytes, and nginx's. */
export async function benchPublish(effort: Effort): Promise<void> {
  for (const packages of [1000, 100_000]) {
    await inTemporaryFolder((folder) => publishAmong(folder, packages, effort));
  }
}

async function publishAmong(folder: string, packages: number, effort: Effort): Promise<void> {
  printTitle(`publish of 100 KB among ${packages} packages`);
  const databasePath = `${folder}/registry.db`;
  await seed(databasePath, { packages, firstVersions: 1 });
  const options: RegistryServerOptions = {
    ...{ framework: "fastify", databasePath, storageRoot: `${folder}/blobs`, rateLimits: "off" },
  };
  const server = await startServer("registry-server.ts", options);
  const bareOptions: BareServerOptions = { framework: "fastify", answers: {}, folder };
  const bare = await startServer("bare-server.ts", bareOptions);
  const nginx = await startNginx(`${folder}/nginx`, `${folder}/taken`);
  try {
    const token = await signInAsOwner(server.port);
    const { rounds } = effort;
    let firstRound = 1;
    for (const connections of [1, 16]) {
      const shared = { connections, archiveBytes, token };
      const targets: UploadTarget[] = [
        { ...shared, server, way: "two requests" },
        { ...shared, server: bare, way: "bare form" },
        { ...shared, server, way: "put" },
        { ...shared, server: bare, way: "bare put" },
        ...(nginx === null ? [] : [{ ...shared, server: nginx, way: "nginx put" } as const]),
      ];
      const measured = await alternateUploads(targets, { rounds, count: perRound, firstRound });
      firstRound += rounds + 1;
      for (const one of measured) printMeasured({ ...one, bytesPerAnswer: archiveBytes });
      const [two, form, put, barePut, nginxPut] = measured;
      if (!two || !form || !put || !barePut) throw new Error("A measurement is missing");
      const named = (one: MeasuredUploads) => ({ ...one, name: `publish, ${one.name}, ${packages} packages` });
      noteComparison(relate(named(two), form, "0.4 x"), effort);
      noteComparison(relate(named(put), barePut, "0.4 x"), effort);
      // It takes the bytes, but neither hashes them nor sees to it that they survive a loss of power.
      if (nginxPut) noteComparison(relate(named(put), nginxPut), effort);
    }
  } finally {
    await Promise.all([server.stop(), bare.stop(), nginx?.stop()]);
  }
}
