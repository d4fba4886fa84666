import { expect, onTestFinished, test } from "vitest";
import { describeWith } from "../../../../scripts/test/services.ts";
import { memoryStorage } from "../../src/memory/index.ts";
import { mysql } from "../../src/mysql/index.ts";
import { redisNonces, redisRateLimiter } from "../../src/redis/index.ts";
import { createRegistry, type Registry } from "../../src/registry.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { testSecret } from "../../src/testing/registry.ts";
import { testDatabase } from "../mysql/databases.ts";
import { startProxy } from "../mysql/proxy.ts";
import { ownServer } from "../redis/own-server.ts";

const logger = { info() {}, warn() {}, error() {} };

/** Waits for a report in which a part is in this state. */
function become(registry: Registry, part: "database" | "nonces", state: string) {
  return expect.poll(async () => (await registry.health())[part]?.state, { timeout: 15_000 }).toBe(state);
}

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  test("a MySQL server that says nothing keeps nobody waiting, and one that is away is named; both come back", async () => {
    const { uri } = await testDatabase(MYSQL_URL);
    const proxy = await startProxy(uri);
    const registry = createRegistry({
      ...{ database: mysql({ uri: proxy.uri, statementTimeoutMs: 3000 }), storage: memoryStorage(), logger },
      ...{ serverSecret: testSecret, limits: { healthTimeoutMs: 500 } },
    });
    onTestFinished(() => registry.close());
    expect(await registry.health()).toMatchObject({
      isReady: false,
      database: { state: "outdated", schema: "behind" },
    });
    await registry.migrate();
    await become(registry, "database", "ok");
    proxy.silence();
    await become(registry, "database", "timeout");
    expect(await registry.health()).toMatchObject({ isReady: false, database: { schema: null } });
    proxy.restore();
    await become(registry, "database", "ok");
    proxy.cut();
    await become(registry, "database", "failed");
    proxy.restore();
    await become(registry, "database", "ok");
    expect((await registry.health()).isReady).toBe(true);
  });
});

describeWith(["redis"], () => {
  test("a Redis that is away or stands still is told of, and is no reason to send nobody any more", async () => {
    const server = await ownServer();
    const redis = server.client();
    const limiter = redisRateLimiter({ redis, timeoutMs: 300 });
    const registry = createRegistry({
      ...{ database: sqlite({ path: ":memory:" }), storage: memoryStorage(), logger },
      nonces: redisNonces({ redis, timeoutMs: 300 }),
    });
    onTestFinished(() => registry.close());
    await registry.migrate();
    await become(registry, "nonces", "ok");
    await limiter.check?.();
    server.signal("SIGSTOP");
    await become(registry, "nonces", "failed");
    await expect(limiter.check?.()).rejects.toMatchObject({ code: "unavailable" });
    expect((await registry.health()).isReady).toBe(true);
    server.signal("SIGCONT");
    await become(registry, "nonces", "ok");
    await server.kill();
    await become(registry, "nonces", "failed");
  });
});
