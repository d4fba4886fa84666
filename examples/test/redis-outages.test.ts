import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { ownServer } from "../../packages/core/test/redis/own-server.ts";
import { describeWith } from "../../scripts/test/services.ts";
import { register } from "./client.ts";
import { at, someZip } from "./instance-clients.ts";
import { check, keyOf, missingAt } from "./kill-checker.ts";
import { seededRandom } from "./kill-history.ts";
import { startStandalone, temporaryFolder } from "./processes.ts";
import { outages } from "./redis-troubles.ts";
import { startSignedClients } from "./signed-clients.ts";
import { saysWhenToComeAgain } from "./steady-clients.ts";

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
/** How many there are, one kind after the other. */
const rounds = Number(process.env.OUTAGES ?? outages.length);
const longestCalmMs = 5000;

/** Reads a package and its archives at these servers, in turn, until it is stopped. */
function startReader(urls: readonly string[], name: string) {
  const [figures, failures] = [{ reads: 0, slowestReadMs: 0 }, [] as string[]];
  let isOver = false;
  async function readOn(): Promise<void> {
    while (!isOver) {
      const path = figures.reads % 2 === 0 ? "releases/latest" : "zipball/1.0.0";
      const url = `${at(urls, figures.reads)}/${name}/${path}`;
      const since = performance.now();
      const response = await fetch(url);
      const text = await response.text();
      if (response.status !== 200) failures.push(`${url}: ${response.status} ${text}`);
      figures.reads += 1;
      figures.slowestReadMs = Math.max(figures.slowestReadMs, Math.round(performance.now() - since));
      await sleep(30);
    }
  }
  const work = readOn();
  return {
    ...{ figures, failures },
    async stop() {
      isOver = true;
      await work;
    },
  };
}

// REDIS_URL says that there are such servers here; the test troubles one of its own.
describeWith(["redis"], () => {
  test(`${rounds} outages of Redis: no signed request is accepted twice, nothing acknowledged is lost`, {
    timeout: 120_000 + rounds * 60_000,
  }, async () => {
    const random = seededRandom(seed);
    const redis = await ownServer();
    const admin = redis.client();
    const cwd = await temporaryFolder();
    const env = { REDIS_URL: `redis://127.0.0.1:${redis.port}`, LOG_LEVEL: "silent" };
    const first = await startStandalone({ cwd, env });
    const signedAt = [first.url, (await startStandalone({ cwd, env })).url];
    // Counts its readers in Redis. Where signers are counted too, those sent again would come to their limits.
    const counting = await startStandalone({ cwd, env: { ...env, RATE_LIMIT: "on" } });
    const urls = [...signedAt, counting.url];
    const ada = await register(first.url, "ada");
    const { key } = (await ada.call("POST", "/api_keys", { name: "ci" })).json;
    const read = await ada.publish({ name: "read", version: "1.0.0" }, await someZip("read"));
    const clients = startSignedClients(signedAt, { apiKey: key, random });
    onTestFinished(clients.stop);
    const reader = startReader(urls, "read");
    onTestFinished(reader.stop);
    await clients.untilAccepted();

    let slowestRecoveryMs = 0;
    for (let round = 0; round < rounds; round += 1) {
      const outage = at(outages, round);
      const about = `seed ${seed}, round ${round}: ${outage.name}`;
      if (outage.forgets) clients.forget();
      const end = await outage.begin({ redis, admin });
      const begunAt = Date.now();
      const meanwhile = () =>
        clients.publishes
          .flatMap(({ sentAt, answer }) => (sentAt > begunAt && answer !== null ? [answer] : []))
          // On a machine that stood still; whether it was late was looked at.
          .filter((answer) => !answer.includes("stale_signature"));
      await sleep(outage.lastsMs);
      // However slow the machine is: some must be told more than that they may be old.
      while (outage.refusal !== null && meanwhile().every((answer) => answer.includes("replayed_request")))
        await sleep(20);
      const answers = meanwhile();
      await end();
      clients.remember();
      const endedAt = performance.now();
      if (outage.refusal !== null) for (const answer of answers) expect(answer, about).toMatch(outage.refusal);
      await clients.sendAgain();
      // By the same servers, which nobody tells that Redis is back.
      await clients.untilAccepted();
      slowestRecoveryMs = Math.max(slowestRecoveryMs, Math.round(performance.now() - endedAt));
      // What was forgotten before may still count when the next one comes, or not.
      await sleep(random() * longestCalmMs);
      await clients.sendAgain();
      expect([...clients.problems, ...reader.failures], about).toEqual([]);
    }
    await clients.stop();
    await reader.stop();

    const { publishes } = clients;
    const answered = (pattern: RegExp) => publishes.filter(({ answer }) => pattern.test(answer ?? "")).length;
    const acknowledged = publishes.filter(({ accepted }) => accepted > 0).length;
    const refused = { away: answered(saysWhenToComeAgain), forgotten: answered(/replayed_request/) };
    const figures = { begun: publishes.length, acknowledged, refused, replays: clients.replays(), slowestRecoveryMs };
    console.log(`redis outages: ${JSON.stringify({ seed, rounds, ...figures, ...reader.figures })}`);
    expect([...clients.problems, ...reader.failures]).toEqual([]);
    expect(clients.replays()).toBeGreaterThan(0);
    const storage = join(cwd, "data/packages");
    const others = new Set<string>([read.json.sha256]);
    const history = publishes.map(({ attempt }) => attempt);
    const without = publishes.filter(({ accepted }) => accepted === 0).map(({ attempt }) => keyOf(attempt));
    for (const url of urls) {
      await expect.poll(() => missingAt(url, history), { timeout: 30_000 }).toEqual([]);
      const { problems, shown } = await check({ url, storage, history, others });
      expect(problems, `seed ${seed}`).toEqual([]);
      expect(without.filter((version) => shown.has(version))).toEqual([]);
    }
  });
});
