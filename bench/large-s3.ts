import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { realBucket } from "../packages/storage-s3/test/harness.ts";
import type { Effort } from "./lib/compare.ts";
import { writeLargeZip } from "./lib/large-zip.ts";
import { loadCore, spawnScript } from "./lib/processes.ts";
import { printTitle } from "./lib/report.ts";
import { openVersion, signUp, startStandalone } from "./lib/standalone.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import { type MeasuredTransfer, printTransfers, transfer } from "./lib/transfer.ts";

/** A bucket to send archives to. */
interface Store {
  name: string;
  archiveBytes: number;
  endpoint: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
  close(): Promise<void>;
}

const settleMs = 2000;
const rounds = 2;
const flags = ["--max-semi-space-size=1"];

/**
 * Memory, processor time and duration while a large archive goes through the built standalone server, as `npm start` runs
 * it, into a bucket and comes back. The bucket is one of the tests' server in another process (1 GB), and where `S3_ENDPOINT` and the
 * keys are set, also one of that server (300 MB, since it may keep them in memory).
 */
export async function benchLargeS3(effort: Effort): Promise<void> {
  await measureWith(await openMini(), effort);
  if (process.env.S3_ENDPOINT) await measureWith(await openReal(process.env.S3_ENDPOINT), effort);
}

async function measureWith(store: Store, effort: Effort): Promise<void> {
  printTitle(`an archive of ${store.archiveBytes / 1e6} MB to ${store.name}`);
  try {
    await inTemporaryFolder((folder) => measure(store, folder, effort));
  } finally {
    await store.close();
  }
}

async function measure(store: Store, folder: string, { figures }: Effort): Promise<void> {
  const file = `${folder}/large.zip`;
  const server = await startStandalone(folder, flags, {
    STORAGE_URL: `s3://${store.bucket}/bench?endpoint=${encodeURIComponent(store.endpoint)}&region=us-east-1`,
    AWS_ACCESS_KEY_ID: store.accessKeyId,
    AWS_SECRET_ACCESS_KEY: store.secretAccessKey,
    TMPDIR: folder,
  });
  try {
    const token = await signUp(server.port);
    await delay(settleMs);
    const idle = server.memory().residentMiB;
    console.log(`  idle: standalone server ${idle.toFixed(0)} MiB`);
    for (const way of ["put", "form", "get"] as const) {
      const all: MeasuredTransfer[] = [];
      for (let round = 0; round < rounds; round++) {
        const version = `1.0.${round}-${way}`;
        // Other bytes each time: those that are there are not sent again.
        if (way !== "get") await writeLargeZip(file, store.archiveBytes);
        const path =
          way === "get" ? "/large-package/zipball/1.0.0-put" : await openVersion(server.port, token, version);
        all.push(await transfer(server, { way, paths: [path], token, file }, idle));
      }
      const figure = printTransfers(way, all, store.archiveBytes);
      figures.push({
        scenario: `${store.archiveBytes / 1e6} MB to or from ${store.name}, ${way}`,
        figure,
        aim: "+64 MiB",
      });
    }
  } finally {
    await server.stop();
  }
}

async function openMini(): Promise<Store> {
  const child = spawnScript("../packages/storage-s3/test/mini-s3/main.ts", {}, { core: loadCore });
  if (child.stdout === null) throw new Error("The S3 server has no output");
  const [endpoint] = (await once(createInterface(child.stdout), "line")) as [string];
  // It knows the keys of the environment too, where there are some.
  const { S3_ACCESS_KEY_ID: accessKeyId = "mini-key", S3_SECRET_ACCESS_KEY: secretAccessKey = "mini-secret" } =
    process.env;
  return {
    ...{ name: "a small S3 server", archiveBytes: 1e9, endpoint, bucket: "registry", accessKeyId, secretAccessKey },
    async close() {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    },
  };
}

async function openReal(endpoint: string): Promise<Store> {
  const { S3_ACCESS_KEY_ID: accessKeyId = "", S3_SECRET_ACCESS_KEY: secretAccessKey = "" } = process.env;
  const keys = { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey };
  const { bucket, cleanup } = await realBucket({ S3_ENDPOINT: endpoint, ...keys });
  const named = { name: "S3_ENDPOINT", archiveBytes: 3e8, close: cleanup };
  return { ...named, endpoint, bucket, accessKeyId, secretAccessKey };
}
