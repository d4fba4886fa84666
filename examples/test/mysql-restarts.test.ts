import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../../scripts/test/free-port.ts";
import { describeWith } from "../../scripts/test/services.ts";
import { clientWith, register } from "./client.ts";
import { check } from "./kill-checker.ts";
import { type Attempt, newAttempt, publish, seededRandom, stylesOfPublishing } from "./kill-history.ts";
import { services, startStandalone, temporaryFolder } from "./processes.ts";

const run = promisify(execFile);
const script = join(services, "mariadb.sh");
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const restarts = Number(process.env.RESTARTS ?? 3);

/** A MariaDB of the test's own, durable, that can be ended and started again at the same port. */
async function ownServer() {
  const [folder, port] = [await temporaryFolder(), await freePort()];
  const env = { PATH: process.env.PATH ?? "", FLUSH_LOG: "1" };
  const start = () => run(script, ["start", folder, String(port)], { env });
  await start();
  onTestFinished(async () => void (await run(script, ["stop", folder], { env })));
  return {
    url: `mysql://root@127.0.0.1:${port}/registry`,
    start,
    async end(signal: "SIGKILL" | "SIGTERM") {
      const pid = Number(await readFile(join(folder, "server.pid"), "utf8"));
      process.kill(pid, signal);
      while (isRunning(pid)) await sleep(10);
    },
    create: () => run("mariadb", ["-uroot", "-h127.0.0.1", `-P${port}`, "-e", "CREATE DATABASE registry"], { env }),
  };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

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
    const mysql = await ownServer();
    await mysql.create();
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
