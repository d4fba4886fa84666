import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { digestOf, patternBytes, zipOf } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { type Client, clientWith, download, register, request } from "./client.ts";
import type { Balanced } from "./instances.ts";
import { check, keyOf } from "./kill-checker.ts";
import { type Attempt, newAttempt, publish, seededRandom, stylesOfPublishing } from "./kill-history.ts";

const seed = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 31);

/** What servers owe their clients when one of them is killed. `start` starts servers for one test. */
export function killTests(start: () => Promise<Balanced>, rounds: number): void {
  test("a server that is killed in the middle of an upload leaves nothing half-done, and the others go on with it", async () => {
    const { servers, restart } = await start();
    const urls = servers.map((server) => server.url);
    const [first, second] = urls as [string, string];
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

    for (const url of urls.slice(1)) {
      expect((await request(url, { method: "GET", path: "/cut/releases" })).status).toBe(404);
      expect(await download(url, "cut", "1.0.0")).toBeNull();
    }
    expect((await other.call("GET", `/upload/${uploadId}`)).json).toMatchObject({ state: "open" });
    const answer = await other.sendRaw(uploadId, zip);
    expect([answer.status, answer.json.sha256]).toEqual([200, digestOf(zip)]);
    await restart(0);
    for (const url of urls) {
      expect(digestOf((await download(url, "cut", "1.0.0")) ?? new Uint8Array())).toBe(digestOf(zip));
    }
  });

  test(`behind nginx, ${rounds} kills in the middle of publishing lose nothing that was acknowledged`, {
    timeout: 120_000 + rounds * 30_000,
  }, async () => {
    const random = seededRandom(seed);
    const { servers, url, restart } = await start();
    const client = await register(url, "ada");
    const history: Attempt[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const victim = round % servers.length;
      const publishing = publishFor(1500, { client, round, random });
      await sleep(200 + random() * 800);
      servers[victim]?.send("SIGKILL");
      await servers[victim]?.ended;
      const survivor = servers[(victim + 1) % servers.length]?.url ?? "";
      for (let index = 0; index < 10; index += 1) {
        // nginx has those that are left answer.
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
}

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
