import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { startProxy } from "../../packages/core/test/mysql/proxy.ts";
import { describeWith } from "../../scripts/test/services.ts";
import { type Client, clientWith, password, register } from "./client.ts";
import { check } from "./kill-checker.ts";
import { type Attempt, newAttempt, publish, seededRandom, stylesOfPublishing } from "./kill-history.ts";
import { troubles } from "./mysql-troubles.ts";
import { ownMariadb } from "./own-mariadb.ts";
import { startStandalone, temporaryFolder } from "./processes.ts";
import { upkeepOf } from "./upkeep.ts";

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
/** How long each trouble lasts, and how much later what is asked arrives in one of them. */
const troubleMs = 1000 * Number(process.env.TROUBLE_SECONDS ?? 5);
const latencyMs = Number(process.env.LATENCY_MS ?? 100);

/** Clients that publish one version after the other, and one that asks for this and that, until they are stopped. */
function startClients(client: Client, url: string, random: () => number) {
  const history: Attempt[] = [];
  /** What was answered but for success; everything else is a failure, such as a connection that ends. */
  let refusals: string[] = [];
  let slowestMs = 0;
  let isOver = false;
  const timed = async (work: Promise<void>) => {
    const since = performance.now();
    await work.catch(async (error: Error) => {
      refusals.push(error.message);
      await sleep(20);
    });
    slowestMs = Math.max(slowestMs, Math.round(performance.now() - since));
  };

  async function publishOn(name: string): Promise<void> {
    for (let number = 0; !isOver; number += 1) {
      const style = stylesOfPublishing[number % 3] ?? "raw";
      const attempt = await newAttempt({ name, version: `1.0.${number}`, style }, random);
      history.push(attempt);
      await timed(publish(client, attempt));
    }
  }

  const questions: (() => Promise<Response>)[] = [
    () => fetch(`${url}/search?search=alpha`),
    () => fetch(`${url}/whoami`, { headers: { authorization: `Bearer ${client.token}` } }),
    () => {
      const body = JSON.stringify({ username: "ada", password });
      return fetch(`${url}/login`, { method: "POST", headers: { "content-type": "application/json" }, body });
    },
  ];
  async function ask(question: () => Promise<Response>): Promise<void> {
    const response = await question();
    const text = await response.text();
    if (response.status === 200) return;
    throw new Error(`question: ${response.status} after ${response.headers.get("retry-after")} ${text}`);
  }
  async function askOn(): Promise<void> {
    for (let number = 0; !isOver; number += 1) {
      await timed(ask(questions[number % questions.length] ?? (() => fetch(url))));
      await sleep(20);
    }
  }

  const work = Promise.all([...["alpha", "beta", "gamma", "delta"].map(publishOn), askOn()]);
  return {
    history,
    acknowledged: () => history.filter(({ state }) => state === "acknowledged").length,
    /** What was refused since the last time, and the longest that an answer took. */
    since() {
      const told = { refusals, slowestMs };
      refusals = [];
      slowestMs = 0;
      return told;
    },
    async stop() {
      isOver = true;
      await work;
    },
  };
}

// MYSQL_URL says that there are such servers here; the test troubles one of its own.
describeWith(["mysql"], () => {
  test("deadlocks, latency, no connections and a server that is read-only cost nothing that was acknowledged", {
    timeout: 240_000 + troubles.length * (troubleMs + 60_000),
  }, async () => {
    const mysql = await ownMariadb();
    const admin = await mysql.admin();
    const proxy = await startProxy(mysql.url);
    const cwd = await temporaryFolder();
    const storage = join(cwd, "packages");
    const env = { DATABASE_URL: proxy.uri, SERVER_SECRET: "shared secret ".repeat(3), STORAGE_URL: `file:${storage}` };
    const { url } = await startStandalone({ cwd, env: { ...env, LOG_LEVEL: "fatal" } });
    const { token } = await register(url, "ada");
    const clients = startClients(clientWith(url, token), url, seededRandom(seed));
    onTestFinished(() => clients.stop());
    const untilMore = async (more: number) => {
      const before = clients.acknowledged();
      while (clients.acknowledged() < before + more) await sleep(20);
    };
    await untilMore(8);

    for (const trouble of troubles) {
      expect(clients.since().refusals, `before ${trouble.name}`).toEqual([]);
      const before = clients.acknowledged();
      const end = await trouble.begin({ mysql, proxy, admin, latencyMs });
      await sleep(troubleMs);
      // However slow the machine is.
      while (!trouble.refuses && clients.acknowledged() === before) await sleep(20);
      const amount = await end();
      const acknowledged = clients.acknowledged() - before;
      // What was under way may still be refused; then everything goes on by itself.
      await untilMore(8);
      const { refusals, slowestMs } = clients.since();
      const figures = { seed, amount, acknowledged, refused: refusals.length, slowestMs };
      console.log(`mysql, ${trouble.name}: ${JSON.stringify(figures)}`);
      for (const refusal of refusals)
        expect(refusal, trouble.name).toMatch(/^(open|form|raw|one request|question): 503 .*"unavailable"/);
      for (const refusal of refusals.filter((one) => one.startsWith("question"))) {
        expect(refusal).toMatch(/^question: 503 after [1-9]/);
      }
      expect(amount, trouble.name).toBeGreaterThan(0);
      if (trouble.refuses) expect(refusals.length, trouble.name).toBeGreaterThan(0);
      await untilMore(4);
    }

    await clients.stop();
    const { problems } = await check({ url, storage, history: clients.history });
    expect(problems, `seed ${seed}`).toEqual([]);
    const upkeep = await upkeepOf({ ...env, DATABASE_URL: mysql.url }, onTestFinished);
    expect(await upkeep.problems()).toEqual([]);
    await upkeep.sweepAway();
  });
});
