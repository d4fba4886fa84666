import { signedHeaders } from "@serverless-registry/core/testing";
import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { describeWith } from "../../scripts/test/services.ts";
import { clientWith, register } from "./client.ts";
import { get, said, someZip } from "./instance-clients.ts";
import { type Instances, startInstances } from "./instances.ts";
import { check, missingAt } from "./kill-checker.ts";
import { type OwnCluster, startCluster } from "./own-cluster.ts";
import { sharedDatabases, temporaryBucket } from "./shared-backends.ts";
import { startWriters } from "./writers.ts";

/** Longest time until the nodes that are left take writes again: they give a dead one up after two to four seconds. */
const takeOverMs = 30_000;

/** Longest time until a node is back: it gets a copy of everything. */
const rejoinMs = 60_000;

/** How long a node is cut off. */
const partitionMs = 1000 * Number(process.env.PARTITION_SECONDS ?? 5);

describeWith(["galera", "s3"], (env) => {
  const ends: (() => Promise<void>)[] = [];
  const endLater = (end: () => Promise<void>) => void ends.unshift(end);
  let cluster: OwnCluster;
  let instances: Instances;
  const urls = () => instances.servers.map((server) => server.url);

  beforeAll(async () => {
    cluster = await startCluster(endLater);
    const databases = await sharedDatabases(cluster.nodes, endLater);
    const bucket = await temporaryBucket(env, endLater);
    instances = await startInstances({ count: cluster.nodes.length, databases, env: bucket, endLater });
  }, 300_000);
  afterAll(async () => {
    for (const end of ends) await end();
  }, 60_000);

  test("when a node crashes the others go on, nothing acknowledged is lost, and it shows everything when it is back", {
    timeout: 300_000,
  }, async () => {
    const ada = await register(urls()[0] ?? "", "ada");
    const clients = urls().map((url) => clientWith(url, ada.token));
    const { key } = (await ada.call("POST", "/api_keys", { name: "ci" })).json;
    const writers = startWriters(clients);
    onTestFinished(async () => void (await writers.stop()));
    for (const server of [0, 1, 2]) await writers.goesOn(server, takeOverMs);
    const headers = signedHeaders({ apiKey: key, method: "GET", url: "/whoami", profile: "v2" });
    const send = async (url: string) => {
      const response = await fetch(`${url}/whoami`, { headers });
      return said({ status: response.status, json: await response.json() });
    };
    expect(await send(urls()[1] ?? "")).toBe("200");

    await cluster.kill(1);
    for (const server of [0, 2]) await writers.goesOn(server, takeOverMs);
    const acknowledged = writers.begun().filter(({ state }) => state === "acknowledged");
    const away = await fetch(`${urls()[1]}/search?search=alpha`);
    expect([away.status, Number(away.headers.get("retry-after")) > 0]).toEqual([503, true]);
    expect((await get(urls()[1] ?? "", "/readyz")).status).toBe(503);
    expect((await get(urls()[1] ?? "", "/healthz")).status).toBe(200);
    for (const url of [urls()[0], urls()[2]]) {
      // A node that is slow may be given up too, and answers 503 until it is taken back.
      let answer = "";
      const isAnswered = async () => {
        answer = await send(url ?? "");
        return !answer.startsWith("503 ");
      };
      await expect.poll(isAnswered, { timeout: takeOverMs }).toBe(true);
      // The second one on a machine that took too long.
      expect(["401 replayed_request", "401 stale_signature"]).toContain(answer);
      await expect.poll(() => missingAt(url ?? "", acknowledged), { timeout: 30_000 }).toEqual([]);
    }

    await cluster.rejoin(1);
    await writers.goesOn(1, rejoinMs);
    const history = await writers.stop();
    expect(writers.refusals().filter((refusal) => !refusal.startsWith("503 "))).toEqual([]);
    for (const url of urls()) {
      await expect.poll(() => missingAt(url, history), { timeout: 30_000 }).toEqual([]);
      expect((await check({ url, storage: "none", history })).problems).toEqual([]);
    }
  });

  test(`a node that is cut off for ${partitionMs / 1000} seconds answers 503, the others go on, and it comes back by itself`, {
    timeout: 300_000 + 10 * partitionMs,
  }, async () => {
    const ada = await register(urls()[0] ?? "", "margaret");
    const [, cutOff = ""] = urls();
    const writers = startWriters(
      urls().map((url) => clientWith(url, ada.token)),
      "parted",
    );
    onTestFinished(async () => void (await writers.stop()));
    for (const server of [0, 1, 2]) await writers.goesOn(server, takeOverMs);

    await cluster.isolate(1, true);
    const readiness = async () => (await get(cutOff, "/readyz")).status;
    await expect.poll(readiness, { timeout: takeOverMs }).toBe(503);
    const end = performance.now() + partitionMs;
    while (performance.now() < end) {
      for (const server of [0, 2]) await writers.goesOn(server, takeOverMs);
      const away = await fetch(`${cutOff}/search?search=parted`);
      expect([away.status, Number(away.headers.get("retry-after")) > 0]).toEqual([503, true]);
      expect((await get(cutOff, "/healthz")).status).toBe(200);
    }
    const before = writers.begun().filter(({ state }) => state === "acknowledged").length;

    await cluster.isolate(1, false);
    await writers.goesOn(1, rejoinMs);
    const history = await writers.stop();
    const refusals = writers.refusals();
    const acknowledged = history.filter(({ state }) => state === "acknowledged").length;
    console.log(`partition: ${JSON.stringify({ partitionMs, before, acknowledged, refused: refusals.length })}`);
    expect(refusals.filter((refusal) => !refusal.startsWith("503 "))).toEqual([]);
    expect(refusals.length).toBeGreaterThan(0);
    for (const url of urls()) {
      await expect.poll(() => missingAt(url, history), { timeout: 30_000 }).toEqual([]);
      expect((await check({ url, storage: "none", history })).problems).toEqual([]);
    }
    expect(await (await instances.openUpkeep()).problems()).toEqual([]);
  });

  test("a node without a majority answers 503, shows nothing old, and goes on where it was when it is made the cluster", {
    timeout: 120_000,
  }, async () => {
    const [url = ""] = urls();
    const ada = await register(url, "grace");
    const zip = await someZip("lonely");
    expect((await ada.publish({ name: "lonely", version: "1.0.0" }, zip)).status).toBe(201);
    expect((await get(url, "/lonely/releases")).status).toBe(200);

    await cluster.kill(1, 2);
    const publish = async (version: string) => said(await ada.publish({ name: "lonely", version }, zip));
    await expect.poll(() => publish("1.1.0"), { timeout: takeOverMs }).toBe("503 unavailable");
    // What it has kept counts for a second; from then on it would have to ask.
    const shown = async () => said(await get(url, "/lonely/releases"));
    await expect.poll(shown, { timeout: takeOverMs }).toBe("503 unavailable");
    expect(said(await get(url, "/lonely/changelog"))).toBe("503 unavailable");
    expect(said(await ada.call("GET", "/whoami"))).toBe("503 unavailable");

    const connection = await createConnection({ uri: cluster.nodes[0] ?? "" });
    await connection.query("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=true'");
    await connection.end();
    await expect.poll(() => publish("1.2.0"), { timeout: takeOverMs }).toBe("201");
    const listed = async () =>
      (await get(url, "/lonely/releases")).json.map((release: { tag_name: string }) => release.tag_name);
    await expect.poll(listed).toContain("1.0.0");
  });
});
