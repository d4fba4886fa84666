import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { digestOf, patternBytes, zipOf } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { type Client, clientWith, download, register, request } from "./client.ts";
import type { Balanced } from "./instances.ts";
import { check, keyOf } from "./kill-checker.ts";
import { type Attempt, newAttempt, publish, seededRandom, stylesOfPublishing } from "./kill-history.ts";

const extraRounds = 8;
const seed = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 31);

/** What servers owe their clients when one of them is killed. `start` starts servers for one test. */
export function killTests(start: () => Promise<Balanced>, rounds: number): void {
  test("a server that is killed in the middle of an upload leaves nothing half-done, and the others go on with it", {
    timeout: 120_000,
  }, async () => {
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
    timeout: 120_000 + (rounds + extraRounds) * 30_000,
  }, async () => {
    const random = seededRandom(seed);
    const { servers, url, restart, openUpkeep, untilAllAnswer } = await start();
    const upkeep = await openUpkeep();
    const client = await register(url, "ada");
    const history: Attempt[] = [];
    // Where nginx had just given the victim nothing, each time, a few more kills find it at work.
    const isCut = () => history.some(({ state }) => state !== "acknowledged");
    for (let round = 1; round <= rounds || (!isCut() && round <= rounds + extraRounds); round += 1) {
      const victim = round % servers.length;
      const publishing = publishFor(1500, { client, round, random });
      await sleep(200 + random() * 800);
      const killedAt = performance.now();
      servers[victim]?.send("SIGKILL");
      await servers[victim]?.ended;
      const survivor = servers[(victim + 1) % servers.length]?.url ?? "";
      for (let index = 0; index < 10; index += 1) {
        // nginx has those that are left answer.
        expect((await fetch(`${url}/healthz`)).status).toBe(200);
      }
      const { begun, failures } = await publishing;
      history.push(...begun);
      expect(failures.filter(isUnexplained(killedAt)), `seed ${seed}, round ${round}`).toEqual([]);
      const atSurvivor = await check({ url: survivor, storage: "none", history, downloads: () => false });
      expect(atSurvivor.problems, `seed ${seed}, round ${round}`).toEqual([]);
      await restart(victim);
      expect(await upkeep.problems(), `seed ${seed}, round ${round}`).toEqual([]);
      await untilAllAnswer();
    }
    const { blobs } = await upkeep.sweepAway();
    for (const server of servers) {
      const verdict = await check({ url: server.url, storage: "none", history });
      expect(verdict.problems, `seed ${seed}`).toEqual([]);
      for (const attempt of history.filter(({ state }) => state === "acknowledged")) {
        expect(verdict.shown).toContain(keyOf(attempt));
      }
    }
    const acknowledged = history.filter(({ state }) => state === "acknowledged").length;
    console.log(
      `kills behind nginx: ${JSON.stringify({ rounds, seed, begun: history.length, acknowledged, swept: blobs })}`,
    );
    expect(acknowledged).toBeGreaterThan(rounds);
    expect(acknowledged).toBeLessThan(history.length);
  });
}

/** A publish that was not acknowledged, and when it began and failed. */
interface Failure {
  message: string;
  begunAt: number;
  failedAt: number;
}

/** Until nginx knows that a server is gone. */
const noticedMs = 1000;

/**
 * Whether a failure is more than a kill at this moment may cause. What was on its way may break, or be answered by nginx for
 * the server; a server that is there says 503 at most, which clients repeat.
 */
function isUnexplained(killedAt: number) {
  return ({ message, begunAt, failedAt }: Failure): boolean => {
    if (/: 503 /.test(message)) return false;
    const wasOnItsWay = begunAt < killedAt + noticedMs && failedAt > killedAt;
    return !wasOnItsWay || !/: 50[24] |^fetch failed$|^terminated$/.test(message);
  };
}

interface Round {
  client: Client;
  round: number;
  random: () => number;
}

/** Publishes one version after the other in three threads for a while, whatever fails. All that was begun, and what failed. */
async function publishFor(
  ms: number,
  { client, round, random }: Round,
): Promise<{ begun: Attempt[]; failures: Failure[] }> {
  const begun: Attempt[] = [];
  const failures: Failure[] = [];
  const end = performance.now() + ms;
  const work = ["alpha", "beta", "gamma"].map(async (name, worker) => {
    for (let number = 0; performance.now() < end; number += 1) {
      const attempt = await newAttempt(
        { name, version: `${round}.0.${number}`, style: stylesOfPublishing[(number + worker) % 3] ?? "raw" },
        random,
      );
      begun.push(attempt);
      const begunAt = performance.now();
      await publish(client, attempt).catch(({ message }: Error) => {
        failures.push({ message, begunAt, failedAt: performance.now() });
      });
    }
  });
  await Promise.all(work);
  return { begun, failures };
}
