import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { describeWith } from "../../scripts/test/services.ts";
import { register } from "./client.ts";
import { check } from "./kill-checker.ts";
import { seededRandom } from "./kill-history.ts";
import { ownMariadb } from "./own-mariadb.ts";
import { startStandalone, temporaryFolder } from "./processes.ts";
import { saysWhenToComeAgain, startSteadyClients } from "./steady-clients.ts";

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const restarts = Number(process.env.RESTARTS ?? 3);

// MYSQL_URL says that there are such servers here; the test ends one, so it takes one of its own.
describeWith(["mysql"], () => {
  test(`${restarts} ends of MySQL while clients publish lose nothing that was acknowledged`, {
    timeout: 60_000 + restarts * 30_000,
  }, async () => {
    const mysql = await ownMariadb();
    const cwd = await temporaryFolder();
    const env = { DATABASE_URL: mysql.url, SERVER_SECRET: "shared secret ".repeat(3), LOG_LEVEL: "fatal" };
    const server = await startStandalone({ cwd, env });
    const ada = await register(server.url, "ada");
    const { history, acknowledged, untilMore, since, stop } = startSteadyClients(ada, seededRandom(seed));
    onTestFinished(stop);
    await untilMore(8);
    for (let round = 0; round < restarts; round++) {
      await mysql.end(round % 2 === 0 ? "SIGKILL" : "SIGTERM");
      await mysql.start();
      // By the same server, whose connections are all gone.
      await untilMore(8);
    }
    await stop();

    console.log(
      `mysql restarts: ${JSON.stringify({ seed, restarts, begun: history.length, acknowledged: acknowledged() })}`,
    );
    const { refusals } = since();
    for (const refusal of refusals) expect(refusal).toMatch(saysWhenToComeAgain);
    expect(refusals.length).toBeGreaterThan(0);
    const { problems, shown } = await check({ url: server.url, storage: join(cwd, "data/packages"), history });
    expect(problems, `seed ${seed}`).toEqual([]);
    expect(shown.size).toBeGreaterThanOrEqual(acknowledged());
  });
});
