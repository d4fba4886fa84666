import type { BareServerOptions } from "./bare-server.ts";
import type { Effort } from "./lib/compare.ts";
import { startServer } from "./lib/processes.ts";
import { signInAsOwner } from "./lib/publisher.ts";
import { printMeasured, printTitle, ratio } from "./lib/report.ts";
import { seed } from "./lib/seed.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import { alternateUploads, type UploadTarget } from "./lib/upload.ts";
import type { RegistryServerOptions } from "./registry-server.ts";

const archiveBytes = 100_000;
const perRound = 200;

/** Publishes archives of 100 KB among 1,000 and among 100,000 packages, against a bare durable upload of the same bytes. */
export async function benchPublish({ rounds }: Effort): Promise<void> {
  for (const packages of [1000, 100_000]) {
    await inTemporaryFolder((folder) => publishAmong(folder, packages, rounds));
  }
}

async function publishAmong(folder: string, packages: number, rounds: number): Promise<void> {
  printTitle(`publish of 100 KB among ${packages} packages`);
  const databasePath = `${folder}/registry.db`;
  await seed(databasePath, { packages, firstVersions: 1 });
  const options: RegistryServerOptions = {
    ...{ framework: "fastify", databasePath, storageRoot: `${folder}/blobs`, rateLimits: "off" },
  };
  const server = await startServer("registry-server.ts", options);
  const bareOptions: BareServerOptions = { framework: "fastify", answers: {}, folder };
  const bare = await startServer("bare-server.ts", bareOptions);
  try {
    const token = await signInAsOwner(server.port);
    let firstRound = 1;
    for (const connections of [1, 16]) {
      const shared = { connections, archiveBytes, token };
      const targets: UploadTarget[] = [
        { ...shared, server, way: "two requests" },
        { ...shared, server: bare, way: "bare form" },
        { ...shared, server, way: "put" },
        { ...shared, server: bare, way: "bare put" },
      ];
      const measured = await alternateUploads(targets, { rounds, count: perRound, firstRound });
      firstRound += rounds + 1;
      for (const one of measured) printMeasured({ ...one, bytesPerAnswer: archiveBytes });
      const [two, form, put, barePut] = measured;
      if (!two || !form || !put || !barePut) throw new Error("A measurement is missing");
      const compared = `two requests / bare form ${ratio(two.perSecond / form.perSecond)}`;
      console.log(
        `  = rate, ${connections} at once: ${compared}, put / bare put ${ratio(put.perSecond / barePut.perSecond)}`,
      );
    }
  } finally {
    await Promise.all([server.stop(), bare.stop()]);
  }
}
