import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { realBucket } from "../packages/storage-s3/test/harness.ts";
import { temporaryDatabase } from "../scripts/test/mysql.ts";
import { alternate, type Compared, type Effort, type Measured, noteComparison, relate } from "./lib/compare.ts";
import { processOf, type ServerProcess, spawnPinned } from "./lib/processes.ts";
import { printMeasured, printTitle } from "./lib/report.ts";
import { signUp } from "./lib/standalone.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import { alternateUploads } from "./lib/upload.ts";

const root = join(import.meta.dirname, "..");
const archiveBytes = 100_000;
/** Below the ports that outgoing connections take. */
const firstPort = 21_000;

/**
 * Publishes and latest per second of one and of two standalone servers behind nginx, on MySQL and S3. The servers of
 * `npm run services -- up` are what both share, so on a machine of few processors two can do little more than one.
 */
export async function benchInstances(effort: Effort): Promise<void> {
  const { MYSQL_URL = "", REDIS_URL = "", S3_ENDPOINT = "", NGINX = "" } = process.env;
  if ([MYSQL_URL, S3_ENDPOINT, NGINX].includes("")) {
    console.log("\ninstances: left out, needs MYSQL_URL, S3_ENDPOINT and NGINX (npm run services -- up)");
    return;
  }
  const { S3_ACCESS_KEY_ID = "", S3_SECRET_ACCESS_KEY = "" } = process.env;
  const database = await temporaryDatabase(MYSQL_URL);
  const bucket = await realBucket({ S3_ENDPOINT, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY });
  const env = {
    ...(REDIS_URL === "" ? {} : { REDIS_URL }),
    ...{ DATABASE_URL: database.uri, STORAGE_URL: `s3://${bucket.bucket}/bench?endpoint=${S3_ENDPOINT}` },
    ...{ AWS_ACCESS_KEY_ID: S3_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: S3_SECRET_ACCESS_KEY },
    ...{ SERVER_SECRET: "bench ".repeat(8), RATE_LIMIT: "off", LOG_LEVEL: "error" },
  };
  try {
    await inTemporaryFolder((folder) => measure(folder, env, effort));
  } finally {
    await bucket.cleanup();
    await database.drop();
  }
}

async function measure(folder: string, env: Record<string, string>, effort: Effort): Promise<void> {
  printTitle(`one and two servers behind nginx, on MySQL and S3, archives of ${archiveBytes / 1000} KB`);
  const servers = [await startServer(0, env), await startServer(1, env)];
  const one = await startBalancer(`${folder}/one`, firstPort + 10, servers.slice(0, 1));
  const two = await startBalancer(`${folder}/two`, firstPort + 11, servers);
  try {
    const token = await signUp(one.port);
    for (const connections of [1, 16]) {
      const shared = { connections, archiveBytes, token, way: "put" } as const;
      const targets = [
        { ...shared, server: one },
        { ...shared, server: two },
      ];
      const plan = { rounds: effort.rounds, count: 100, firstRound: connections * 100 };
      const uploads = await alternateUploads(targets, plan);
      const measured = uploads.map((upload) => ({ ...upload, bytesPerAnswer: archiveBytes }));
      notePair(`publish on MySQL and S3, ${connections} at once`, measured, effort);
    }
    const latest = { paths: ["/uploads-0/releases/latest"], connections: 32 };
    const reads = [
      { ...latest, name: "one", server: one },
      { ...latest, name: "two", server: two },
    ];
    notePair("latest on MySQL, 32 at once", await alternate(reads, effort), effort);
  } finally {
    for (const server of [one, two, ...servers]) await server.stop();
  }
}

function notePair(what: string, pair: readonly (Compared & Pick<Measured, "bytesPerAnswer">)[], effort: Effort): void {
  const [one, two] = pair;
  if (one === undefined || two === undefined) throw new Error("A measurement is missing");
  const name = `${what}, two servers`;
  printMeasured({ ...one, name: "one server" });
  printMeasured({ ...two, name });
  noteComparison(relate({ ...two, name }, { ...one, name: "one server" }), effort);
}

/** Each server on a processor of its own, as far as there are two. */
async function startServer(index: number, env: Record<string, string>): Promise<ServerProcess> {
  const port = firstPort + index;
  const main = join(root, "examples/standalone/dist/main.js");
  const child = spawnPinned(["--max-semi-space-size=1", main], index, { ...env, PORT: String(port) });
  void child.stdout?.resume();
  return answering(child, port);
}

async function startBalancer(folder: string, port: number, servers: readonly ServerProcess[]): Promise<ServerProcess> {
  const ports = servers.map((server) => String(server.port));
  const script = join(root, "scripts/services/nginx.sh");
  const child = spawn(script, ["run", folder, String(port), ...ports], { stdio: "inherit" });
  const nginx = await answering(child, port);
  return { ...nginx, cpuSeconds: () => servers.reduce((sum, server) => sum + server.cpuSeconds(), 0) };
}

async function answering(child: ChildProcess, port: number): Promise<ServerProcess> {
  for (let tries = 0; tries < 150 && child.exitCode === null; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null);
    if (answer?.ok) return processOf(child, port);
    await delay(100);
  }
  throw new Error(`Nothing answers at port ${port}`);
}
