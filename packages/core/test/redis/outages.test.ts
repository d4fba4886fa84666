import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, Redis } from "ioredis";
import { describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../../../scripts/test/free-port.ts";
import { describeWith } from "../../../../scripts/test/services.ts";
import { redisNonces, redisRateLimiter } from "../../src/redis/index.ts";
import { ownServer } from "./own-server.ts";

const ttlMs = 31_000;
const fromNow = () => ({ ttlMs, sinceMs: Date.now() + 60_000 });
const unavailable = { code: "unavailable", status: 503, retryAfterMs: 1000 };
const rule = { name: "login", limit: 2, windowMs: 60_000 };
const localRule = { ...rule, name: "read", outage: "local" } as const;

/** For what must succeed, or is refused by Redis itself: a machine may stall for longer than the default. */
const patient = { timeoutMs: 15_000 };

/** How long it took until this was refused as unavailable. */
async function timeToRefuse(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await expect(work()).rejects.toMatchObject(unavailable);
  return performance.now() - startedAt;
}

describeWith(["redis"], () => {
  describe("what Redis forgot is not granted again", () => {
    test("after a restart from a copy that does not know the last claims", async () => {
      const server = await ownServer();
      const redis = server.client();
      const nonces = redisNonces({ redis, ...patient });
      await nonces.claim([], fromNow());
      await sleep(10);
      const terms = { ttlMs, sinceMs: Date.now() };
      expect(await nonces.claim(["saved"], terms)).toBe(true);
      await redis.save();
      expect(await nonces.claim(["lost"], terms)).toBe(true);
      await server.kill();
      await server.start();
      await expect.poll(() => redis.status).toBe("ready");
      expect(await redis.dbsize()).toBe(2);
      for (const value of ["saved", "lost", "new"]) expect(await nonces.claim([value], terms)).toBe(false);
      await sleep(10);
      const later = { ttlMs, sinceMs: Date.now() };
      expect(await nonces.claim(["saved"], later)).toBe(false);
      expect(await nonces.claim(["new"], later)).toBe(true);
    });

    test.each(["allkeys-lru", "volatile-ttl"])("by a Redis that evicts (%s)", async (policy) => {
      const server = await ownServer("--maxmemory", "2mb", "--maxmemory-policy", policy);
      const redis = server.client();
      const nonces = redisNonces({ redis, ...patient });
      await nonces.claim([], fromNow());
      await sleep(10);
      const terms = { ttlMs, sinceMs: Date.now() };
      expect(await nonces.claim(["used"], terms)).toBe(true);
      for (let at = 0; at < 300; at += 1) await redis.set(`filler ${at}`, "x".repeat(10_000), "EX", 1000);
      expect(await redis.info("stats")).toMatch(/evicted_keys:[1-9]/);
      for (const value of ["used", "fresh"]) expect(await nonces.claim([value], terms)).toBe(false);
    });

    test("by a Redis that is full and evicts nothing: it takes no more claims", async () => {
      const server = await ownServer("--maxmemory-policy", "noeviction");
      const redis = server.client();
      const nonces = redisNonces({ redis, ...patient });
      await nonces.claim([], fromNow());
      await sleep(10);
      const terms = { ttlMs, sinceMs: Date.now() };
      expect(await nonces.claim(["used"], terms)).toBe(true);
      await redis.config("SET", "maxmemory", "1");
      await expect(nonces.claim(["one", "two"], terms)).rejects.toMatchObject(unavailable);
      await redis.config("SET", "maxmemory", "0");
      expect(await nonces.claim(["used"], terms)).toBe(false);
      expect(await nonces.claim(["one", "two"], terms)).toBe(true);
    });
  });

  describe("a Redis that is away", () => {
    test("refuses at once, keeps local rules going, and serves again when it is back", async () => {
      const server = await ownServer();
      const redis = server.client({ maxRetriesPerRequest: null, retryStrategy: () => 50 });
      const [nonces, limiter] = [redisNonces({ redis, timeoutMs: 300 }), redisRateLimiter({ redis, timeoutMs: 300 })];
      const [patientNonces, patientLimiter] = [
        redisNonces({ redis, ...patient }),
        redisRateLimiter({ redis, ...patient }),
      ];
      expect(await patientNonces.claim(["before"], fromNow())).toBe(true);
      await server.kill();
      await expect.poll(() => redis.status).not.toBe("ready");
      const times: [claim: number[], take: number[]] = [[], []];
      for (let at = 0; at < 5; at += 1) {
        times[0].push(await timeToRefuse(() => nonces.claim([`away ${at}`], fromNow())));
        times[1].push(await timeToRefuse(() => limiter.take(rule, "key")));
      }
      // The machine may stall in some of them.
      for (const each of times) expect(Math.min(...each)).toBeLessThan(450);
      for (const each of times) expect(Math.max(...each)).toBeLessThan(5000);
      const verdicts: boolean[] = [];
      for (let at = 0; at < 3; at += 1) verdicts.push((await limiter.take(localRule, "key")).allowed);
      expect(verdicts).toEqual([true, true, false]);
      await server.start();
      await expect.poll(() => nonces.claim(["after"], fromNow()).catch(() => "away")).not.toBe("away");
      expect(await patientLimiter.take(rule, "key")).toMatchObject({ allowed: true });
      expect(await patientLimiter.take(localRule, "key")).toMatchObject({ allowed: true, remaining: 1 });
    });

    test("refuses within its time when it never was there, also to many at once", async () => {
      const redis = new Redis({ port: await freePort(), lazyConnect: true, maxRetriesPerRequest: null });
      redis.on("error", () => undefined);
      onTestFinished(() => redis.disconnect());
      // Not the default, which is one second.
      const nonces = redisNonces({ redis, timeoutMs: 3000 });
      const startedAt = performance.now();
      const claims = Array.from({ length: 200 }, (_, at) => nonces.claim([`${at}`], fromNow()));
      const answers = await Promise.allSettled(claims);
      expect(answers.every((answer) => answer.status === "rejected")).toBe(true);
      const tookMs = performance.now() - startedAt;
      expect(tookMs).toBeGreaterThan(2900);
      // One after the other they would take ten minutes.
      expect(tookMs).toBeLessThan(20_000);
    });

    test("owes no more answers than were asked for in time: while one is overdue nothing is sent", async () => {
      const server = await ownServer();
      const redis = server.client();
      const nonces = redisNonces({ redis, timeoutMs: 2000 });
      expect(await nonces.claim(["before"], fromNow())).toBe(true);
      server.signal("SIGSTOP");
      expect(await timeToRefuse(() => nonces.claim(["slow"], fromNow()))).toBeGreaterThan(1950);
      let refusedMs = 0;
      for (let at = 0; at < 20; at += 1) refusedMs += await timeToRefuse(() => nonces.claim([`slow ${at}`], fromNow()));
      // If each was sent and waited for, forty seconds.
      expect(refusedMs).toBeLessThan(10_000);
      server.signal("SIGCONT");
      let tries = 0;
      await expect.poll(() => nonces.claim([`after ${tries++}`], fromNow()).catch(() => "away")).toBe(true);
      const later = redisNonces({ redis, ...patient });
      expect(await later.claim(["before"], fromNow())).toBe(false);
      // It was claimed after all, when nobody waited any more; the others were never sent.
      expect(await later.claim(["slow"], fromNow())).toBe(false);
      expect(await later.claim(["slow 0"], fromNow())).toBe(true);
    });

    test("that answers, but will not do it: a replica, or a user who may not", async () => {
      const server = await ownServer();
      const redis = server.client();
      const nonces = redisNonces({ redis, ...patient });
      await redis.call("ACL", "SETUSER", "narrow", "on", "nopass", "~*", "+@all", "-info");
      const narrow = server.client({ username: "narrow", password: "any", enableReadyCheck: false });
      await expect(redisNonces({ redis: narrow }).claim(["value"], fromNow())).rejects.toMatchObject(unavailable);
      await redis.call("REPLICAOF", "127.0.0.1", `${await freePort()}`);
      await expect(nonces.claim(["value"], fromNow())).rejects.toMatchObject(unavailable);
      await redis.call("REPLICAOF", "NO", "ONE");
      expect(await nonces.claim(["value"], fromNow())).toBe(true);
    });
  });

  test("a cluster: all keys of a claim lie in one place", async () => {
    // By default ports of clusters lie 10,000 higher, where outgoing connections have theirs.
    const bus = ["--cluster-port", `${await freePort()}`];
    const server = await ownServer("--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1", ...bus);
    const admin = server.client();
    await admin.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    await expect.poll(() => admin.call("CLUSTER", "INFO"), { timeout: 10_000 }).toContain("cluster_state:ok");
    const redis = new Cluster([{ host: "127.0.0.1", port: server.port }]);
    onTestFinished(() => redis.disconnect());
    await expect.poll(() => redis.status).toBe("ready");
    const nonces = redisNonces({ redis, ...patient });
    await nonces.claim([], fromNow());
    await sleep(10);
    const terms = { ttlMs, sinceMs: Date.now() };
    expect(await nonces.claim(["one", "two", "three"], terms)).toBe(true);
    expect(await nonces.claim(["four", "two"], terms)).toBe(false);
    expect(await redisRateLimiter({ redis, ...patient }).take(rule, "key")).toMatchObject({
      allowed: true,
      remaining: 1,
    });
  });
});
