import { expect, test } from "vitest";
import { startProxy } from "../../packages/core/test/mysql/proxy.ts";
import { ownServer } from "../../packages/core/test/redis/own-server.ts";
import { describeWith } from "../../scripts/test/services.ts";
import { request } from "./client.ts";
import { startStandalone, temporaryFolder } from "./processes.ts";

// REDIS_URL says that there is such a server here; what others count in it must not matter.
describeWith(["redis"], () => {
  test("a connection to Redis whose other end is gone without a word is replaced", { timeout: 60_000 }, async () => {
    const redis = await ownServer();
    const proxy = await startProxy(`redis://127.0.0.1:${redis.port}`);
    const env = { REDIS_URL: proxy.uri, RATE_LIMIT: "on", LOG_LEVEL: "silent" };
    const server = await startStandalone({ cwd: await temporaryFolder(), env });
    // Counted in Redis, and refused while nobody can count.
    const body = { username: "nobody", password: "correct horse battery" };
    const signIn = async () => (await request(server.url, { method: "POST", path: "/login", body })).status;
    expect(await signIn()).toBe(401);
    proxy.silence();
    expect(await signIn()).toBe(503);
    // From now on new connections work; the old one still owes an answer that will not come.
    proxy.restore();
    let status = 503;
    const signInAgain = async () => {
      status = await signIn();
      return status;
    };
    await expect.poll(signInAgain, { timeout: 30_000, interval: 500 }).not.toBe(503);
    expect([401, 429]).toContain(status);
  });
});
