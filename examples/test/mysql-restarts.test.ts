import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { describeWith } from "../../scripts/test/services.ts";
import { clientWith, register } from "./client.ts";
import { check } from "./kill-checker.ts";
import { type Attempt, newAttempt, publish, seededRandom, stylesOfPublishing } from "./kill-history.ts";
import { ownMariadb } from "./own-mariadb.ts";
import { startStandalone, temporaryFolder } from "./processes.ts";

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const restarts = Number(process.env.RESTARTS ?? 3);

/** What a server answered, of the message that a client fails with: `raw: 503 {…}`. */
function answerIn(message: string): { status: string | undefined; code: unknown } {
  const [, status, body = "null"] = /^(?:open|form|raw|one request): (\d{3}) (\{.*\})$/.exec(message) ?? [];
  return { status, code: JSON.parse(body)?.code };
}

// MYSQL_URL says that there are such servers here; the test ends one, so it takes one of its own.
describeWith(["mysql"], () => {
  test(`${restarts} ends of MySQL while clients publish lose nothing that was acknowledged`, {
    timeout: 60_000 + restarts * 30_000,
  }, async () => {
    const mysql = await ownMariadb();
    const cwd = await temporaryFolder();
    const env = { DATABASE_URL: mysql.url, SERVER_SECRET: "shared secret ".repeat(3), LOG_LEVEL: "fatal" };
    const server = await startStandalone({ cwd, env });
    const { token } = await register(server.url, "ada");
    const random = seededRandom(seed);
    const history: Attempt[] = [];
    const refusals: string[] = [];
    let isOver = false;

    async function publishOn(name: string): Promise<void> {
      const client = clientWith(server.url, token);
      for (let number = 0; !isOver; number++) {
        const style = stylesOfPublishing[number % 3] ?? "raw";
        const attempt = await newAttempt({ name, version: `1.0.${number}`, style }, random);
        history.push(attempt);
        await publish(client, attempt).catch(async (error: Error) => {
          refusals.push(error.message);
          await sleep(20);
        });
      }
    }

    const work = ["alpha", "beta", "gamma", "delta"].map(publishOn);
    const acknowledged = () => history.filter(({ state }) => state === "acknowledged").length;
    const untilMore = async (more: number) => {
      const before = acknowledged();
      while (acknowledged() < before + more) await sleep(20);
    };
    try {
      await untilMore(8);
      for (let round = 0; round < restarts; round++) {
        await mysql.end(round % 2 === 0 ? "SIGKILL" : "SIGTERM");
        await mysql.start();
        // By the same server, whose connections are all gone.
        await untilMore(8);
      }
    } finally {
      isOver = true;
      await Promise.all(work);
    }

    console.log(
      `mysql restarts: ${JSON.stringify({ seed, restarts, begun: history.length, acknowledged: acknowledged() })}`,
    );
    for (const refusal of refusals) expect(answerIn(refusal), refusal).toEqual({ status: "503", code: "unavailable" });
    expect(refusals.length).toBeGreaterThan(0);
    const { problems, shown } = await check({ url: server.url, storage: join(cwd, "data/packages"), history });
    expect(problems, `seed ${seed}`).toEqual([]);
    expect(shown.size).toBeGreaterThanOrEqual(acknowledged());
  });
});
