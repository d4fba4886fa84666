import { digestOf, patternBytes, zipOf } from "@serverless-registry/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { describeWith } from "../../scripts/test/services.ts";
import { download, register, request } from "./client.ts";
import { killTests } from "./instance-kills.ts";
import { type Balanced, startBalanced, startInstances } from "./instances.ts";
import { sharedDatabases, temporaryBucket } from "./shared-backends.ts";

const rounds = Number(process.env.KILL_ROUNDS ?? 4);

describeWith(["mysql", "redis", "s3", "nginx"], (env) => {
  const { MYSQL_URL = "", REDIS_URL = "", NGINX = "" } = env;

  /** Two servers and nginx before them, for one test. */
  async function startTwo(more: Record<string, string> = {}): Promise<Balanced> {
    const databases = await sharedDatabases([MYSQL_URL], onTestFinished);
    const bucket = await temporaryBucket(env, onTestFinished);
    const settings = { REDIS_URL, ...bucket, ...more };
    return startBalanced({ count: 2, databases, env: settings, endLater: onTestFinished }, NGINX);
  }

  killTests(() => startTwo(), rounds);

  test("nginx hands requests to both, and uploads as they come", async () => {
    const { url, servers } = await startTwo({ LOG_LEVEL: "info" });
    const ada = await register(url, "ada");
    const zip = new Uint8Array(await zipOf({ "data.bin": patternBytes(8_000_000) }, { store: true }));
    expect((await ada.publish({ name: "big", version: "1.0.0" }, zip)).status).toBe(201);
    for (let index = 0; index < 6; index += 1) {
      expect(digestOf((await download(url, "big", "1.0.0")) ?? new Uint8Array())).toBe(digestOf(zip));
    }
    for (const server of servers) await expect.poll(server.output).toContain('"route":"/:package/zipball/:version"');
  });

  test("limits count what all servers are asked together", async () => {
    const databases = await sharedDatabases([MYSQL_URL], onTestFinished);
    for (const redis of [{ REDIS_URL }, {}]) {
      const limited = { STORAGE_URL: "file:archives", RATE_LIMIT: "on", ...redis };
      const { servers } = await startInstances({ count: 2, databases, env: limited, endLater: onTestFinished });
      const body = { username: `nobody${Object.keys(redis).length}`, password: "wrong horse battery" };
      const statuses: number[] = [];
      // Where Redis took too long, a server says so with 503, and counts nothing.
      const lastTwo = () => statuses.filter((status) => status !== 503).slice(-2);
      for (let index = 0; index < 20 && lastTwo().join() !== "429,429"; index += 1) {
        const url = servers[index % 2]?.url ?? "";
        statuses.push((await request(url, { method: "POST", path: "/login", body })).status);
      }
      expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(5);
      expect(lastTwo()).toEqual([429, 429]);
    }
  });
});
