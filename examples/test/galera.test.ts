import { onTestFinished } from "vitest";
import { describeWith } from "../../scripts/test/services.ts";
import { describeInstances } from "./instance-behaviours.ts";
import { killTests } from "./instance-kills.ts";
import { startBalanced, startInstances } from "./instances.ts";
import type { EndLater } from "./processes.ts";
import { sharedDatabases, temporaryBucket } from "./shared-backends.ts";

const rounds = Number(process.env.KILL_ROUNDS ?? 2);

// Each server has a node of its own: no lock of one holds on another, and a commit may be refused as a deadlock.
describeWith(["galera", "s3", "nginx"], (env) => {
  const { GALERA_URLS = "", NGINX = "" } = env;

  async function options(endLater: EndLater) {
    const databases = await sharedDatabases(GALERA_URLS.split(","), endLater);
    const bucket = await temporaryBucket(env, endLater);
    return { count: databases.length, databases, env: bucket, endLater };
  }

  describeInstances("three servers, each on a node of a Galera cluster, with S3 and without Redis", async (endLater) =>
    startInstances(await options(endLater)),
  );
  killTests(async () => startBalanced(await options(onTestFinished), NGINX), rounds);
});
