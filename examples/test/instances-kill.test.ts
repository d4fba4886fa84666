import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { digestOf, patternBytes, zipOf } from "@serverless-registry/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { describeWith } from "../../scripts/test/services.ts";
import { type Client, clientWith, download, register, request } from "./client.ts";
import { type Instances, startBalancer, startInstances } from "./instances.ts";
import { check, keyOf } from "./kill-checker.ts";
import { type Attempt, newAttempt, publish, seededRandom, stylesOfPublishing } from "./kill-history.ts";
import { sharedDatabases, temporaryBucket } from "./shared-backends.ts";

const rounds = Number(process.env.KILL_ROUNDS ?? 4);
const seed = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 31);

describeWith(["mysql", "redis", "s3", "nginx"], (env) => {
  const { MYSQL_URL = "", REDIS_URL = "", NGINX = "" } = env;

  /** Two servers and nginx before them, for one test. */
  async function startBalanced(more: Record<string, string> = {}): Promise<Instances & { url: string }> {
    const databases = await sharedDatabases([MYSQL_URL], onTestFinished);
    const bucket = await temporaryBucket(env, onTestFinished);
    const instances = await startInstances({
      count: 2,
      databases,
      env: { REDIS_URL, ...bucket, ...more },
      endLater: onTestFinished,
    });
    const urls = instances.servers.map((server) => server.url);
    return { ...instances, url: await startBalancer(urls, { nginx: NGINX, endLater: onTestFinished }) };
  }

  test("a server that is killed in the middle of an upload leaves nothing half-done, and the other goes on with it", async () => {
    const { servers, restart } = await startBalanced();
    const [first, second] = servers.map((server) => server.url) as [string, string];
    const ada = await register(first, "ada");
    const other = clientWith(second, ada.token);
    const uploadId = await ada.open("cut", "1.0.0");
    const zip = new Uint8Array(await zipOf({ "data.bin": patternBytes(2_000_000) }, { store: true }));

    const headers = { authorization: `Bearer ${ada.token}`, "content-length": zip.length };
    const upload = httpRequest(`${first}/upload/${uploadId}`, { method: "PUT", headers, agent: false });
    const failure = once(upload, "error");
    await new Promise((resolve) => upload.write(zip.subarray(0, 1_500_000), resolve));
    servers[0]?.send("SIGKILL");
    await failure;

    expect((await request(second, { method: "GET", path: "/cut/releases" })).status).toBe(404);
    expect(await download(second, "cut", "1.0.0")).toBeNull();
    expect((await other.call("GET", `/upload/${uploadId}`)).json).toMatchObject({ state: "open" });
    const answer = await other.sendRaw(uploadId, zip);
    expect([answer.status, answer.json.sha256]).toEqual([200, digestOf(zip)]);
    await restart(0);
    for (const url of [first, second]) {
      expect(digestOf((await download(url, "cut", "1.0.0")) ?? new Uint8Array())).toBe(digestOf(zip));
    }
  });

  test(`behind nginx, ${rounds} kills in the middle of publishing lose nothing that was acknowledged`, {
    timeout: 30_000 + rounds * 15_000,
  }, async () => {
    const random = seededRandom(seed);
    const instances = await startBalanced();
    const { servers, url, restart } = instances;
    const client = await register(url, "ada");
    const history: Attempt[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const victim = round % 2;
      const publishing = publishFor(1500, { client, round, random });
      await sleep(200 + random() * 800);
      servers[victim]?.send("SIGKILL");
      await servers[victim]?.ended;
      const survivor = servers[1 - victim]?.url ?? "";
      for (let index = 0; index < 10; index += 1) {
        // nginx has the one that is left answer.
        expect((await fetch(`${url}/readyz`)).status).toBe(200);
      }
      history.push(...(await publishing));
      const atSurvivor = await check({ url: survivor, storage: "none", history, downloads: () => false });
      expect(atSurvivor.problems, `seed ${seed}, round ${round}`).toEqual([]);
      await restart(victim);
      // For a second after its failure nginx sends nothing to it: none would be left if the other went meanwhile.
      await sleep(1200);
    }
    for (const server of servers) {
      const verdict = await check({ url: server.url, storage: "none", history });
      expect(verdict.problems, `seed ${seed}`).toEqual([]);
      for (const attempt of history.filter(({ state }) => state === "acknowledged")) {
        expect(verdict.shown).toContain(keyOf(attempt));
      }
    }
    const acknowledged = history.filter(({ state }) => state === "acknowledged").length;
    console.log(`kills behind nginx: ${JSON.stringify({ rounds, seed, begun: history.length, acknowledged })}`);
    expect(acknowledged).toBeGreaterThan(rounds);
    expect(acknowledged).toBeLessThan(history.length);
  });

  test("nginx hands requests to both, and uploads as they come", async () => {
    const { url, servers } = await startBalanced({ LOG_LEVEL: "info" });
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
      const body = { username: `nobody${Object.keys(redis).length}${seed}`, password: "wrong horse battery" };
      const statuses: number[] = [];
      for (let index = 0; index < 8; index += 1) {
        const url = servers[index % 2]?.url ?? "";
        statuses.push((await request(url, { method: "POST", path: "/login", body })).status);
      }
      expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(5);
      expect(statuses.slice(-2)).toEqual([429, 429]);
    }
  });
});

interface Round {
  client: Client;
  round: number;
  random: () => number;
}

/** Publishes one version after the other in three threads for a while, whatever fails. All that was begun. */
async function publishFor(ms: number, { client, round, random }: Round): Promise<Attempt[]> {
  const begun: Attempt[] = [];
  const end = performance.now() + ms;
  const work = ["alpha", "beta", "gamma"].map(async (name, worker) => {
    for (let number = 0; performance.now() < end; number += 1) {
      const attempt = await newAttempt(
        { name, version: `${round}.0.${number}`, style: stylesOfPublishing[(number + worker) % 3] ?? "raw" },
        random,
      );
      begun.push(attempt);
      // A request on its way to the one that was killed: nobody knows what became of it.
      await publish(client, attempt).catch(() => undefined);
    }
  });
  await Promise.all(work);
  return begun;
}
