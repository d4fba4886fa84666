import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { databaseNonces } from "../../src/database-stores/nonces.ts";
import { databaseRateLimiter } from "../../src/database-stores/rate-limiter.ts";
import { mysql } from "../../src/mysql/index.ts";
import type { NonceStore } from "../../src/ports/nonce-store.ts";
import type { RateLimiter } from "../../src/ports/rate-limiter.ts";
import { redisNonces, redisRateLimiter } from "../../src/redis/index.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import type { Contest } from "./contest.ts";

/**
 * A process that claims one value per round at moments it is told, then attempts something as often as it can.
 * Prints which claims were granted, and how many attempts were allowed.
 */
const contest = JSON.parse(process.argv[2] ?? "{}") as Contest;
const { nonces, limiter, close } = await open(contest);
await nonces.claim(["warm"], { ttlMs: 1, sinceMs: Date.now() + 60_000 });

const granted: boolean[] = [];
for (let round = 0; round < contest.rounds; round += 1) {
  const startsAt = contest.startsAt + round * contest.roundMs;
  await sleep(Math.max(0, startsAt - Date.now() - 1));
  while (Date.now() < startsAt);
  granted.push(await nonces.claim([`round ${round}`], { ttlMs: 60_000, sinceMs: Date.now() + 60_000 }));
}
const rule = { name: "contest", limit: contest.limit, windowMs: 60_000 };
const verdicts = await Promise.all(Array.from({ length: contest.limit }, () => limiter.take(rule, "key")));
console.log(JSON.stringify({ granted, allowed: verdicts.filter((verdict) => verdict.allowed).length }));
await close();

interface Stores {
  nonces: NonceStore;
  limiter: RateLimiter;
  close(): Promise<unknown>;
}

async function open({ store, address, prefix }: Contest): Promise<Stores> {
  if (store === "redis") {
    const redis = new Redis(address);
    const options = { redis, prefix, timeoutMs: 10_000 };
    return { nonces: redisNonces(options), limiter: redisRateLimiter(options), close: async () => redis.disconnect() };
  }
  const database = store === "mysql" ? mysql({ uri: address }) : sqlite({ path: address });
  return { nonces: databaseNonces(database), limiter: databaseRateLimiter(database), close: () => database.close() };
}
