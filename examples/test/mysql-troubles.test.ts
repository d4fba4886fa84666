import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { startProxy } from "../../packages/core/test/mysql/proxy.ts";
import { describeWith } from "../../scripts/test/services.ts";
import { type Client, password, refusalOf, register, request } from "./client.ts";
import { check } from "./kill-checker.ts";
import { seededRandom } from "./kill-history.ts";
import { troubles } from "./mysql-troubles.ts";
import { ownMariadb } from "./own-mariadb.ts";
import { startStandalone, temporaryFolder } from "./processes.ts";
import { saysWhenToComeAgain, startSteadyClients } from "./steady-clients.ts";
import { upkeepOf } from "./upkeep.ts";

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
/** How long each trouble lasts, and how much later what is asked arrives in one of them. */
const troubleMs = 1000 * Number(process.env.TROUBLE_SECONDS ?? 5);
const latencyMs = Number(process.env.LATENCY_MS ?? 100);

/** What somebody asks who publishes nothing. */
function questionsTo(url: string, { token }: Client): (() => Promise<void>)[] {
  const ask = async (call: Parameters<typeof request>[1]) => {
    const answer = await request(url, call);
    if (answer.status !== 200) throw refusalOf("question", answer);
  };
  return [
    () => ask({ method: "GET", path: "/search?search=alpha" }),
    () => ask({ method: "GET", path: "/whoami", token }),
    () => ask({ method: "POST", path: "/login", body: { username: "ada", password } }),
  ];
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
    const ada = await register(url, "ada");
    const clients = startSteadyClients(ada, seededRandom(seed), questionsTo(url, ada));
    onTestFinished(() => clients.stop());
    await clients.untilMore(8);

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
      await clients.untilMore(8);
      const { refusals, slowestMs } = clients.since();
      const figures = { seed, amount, acknowledged, refused: refusals.length, slowestMs };
      console.log(`mysql, ${trouble.name}: ${JSON.stringify(figures)}`);
      for (const refusal of refusals) expect(refusal, trouble.name).toMatch(saysWhenToComeAgain);
      expect(amount, trouble.name).toBeGreaterThan(0);
      if (trouble.refuses) expect(refusals.length, trouble.name).toBeGreaterThan(0);
      await clients.untilMore(4);
    }

    await clients.stop();
    const { problems } = await check({ url, storage, history: clients.history });
    expect(problems, `seed ${seed}`).toEqual([]);
    const upkeep = await upkeepOf({ ...env, DATABASE_URL: mysql.url }, onTestFinished);
    expect(await upkeep.problems()).toEqual([]);
    await upkeep.sweepAway();
  });
});
