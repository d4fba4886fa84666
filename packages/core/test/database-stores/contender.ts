import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { databaseNonces } from "../../src/database-stores/nonces.ts";
import { databaseRateLimiter } from "../../src/database-stores/rate-limiter.ts";
import { mysql } from "../../src/mysql/index.ts";
import type { NonceStore } from "../../src/ports/nonce-store.ts";
import type { RateLimiter } from "../../src/ports/rate-limiter.ts";
import { redisNonces, redisRateLimiter } from "../../src/redis/index.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import type { Place, Turn } from "./contest.ts";

/** A process that claims a value at the moment it is told, or attempts something as often as it can; see {@link Turn}. */
const { nonces, limiter, close } = await open(JSON.parse(process.argv[2] ?? "{}") as Place);
await nonces.claim(["warm"], { ttlMs: 1, sinceMs: Date.now() + 60_000 });
process.on("message", async (turn: Turn) => process.send?.(await take(turn)));
process.on("disconnect", close);
process.send?.(0);

async function take(turn: Turn): Promise<number> {
  if ("attempts" in turn) {
    const rule = { name: "contest", limit: turn.attempts, windowMs: 60_000 };
    const verdicts = await Promise.all(Array.from({ length: turn.attempts }, () => limiter.take(rule, "key")));
    return verdicts.filter((verdict) => verdict.allowed).length;
  }
  await sleep(Math.max(0, turn.startsAt - Date.now() - 1));
  while (Date.now() < turn.startsAt);
  return Number(await nonces.claim([turn.claim], { ttlMs: 60_000, sinceMs: Date.now() + 60_000 }));
}

interface Stores {
  nonces: NonceStore;
  limiter: RateLimiter;
  close(): Promise<unknown>;
}

async function open({ store, address, prefix }: Place): Promise<Stores> {
  if (store === "redis") {
    const redis = new Redis(address);
    const options = { redis, prefix, timeoutMs: 10_000 };
    return { nonces: redisNonces(options), limiter: redisRateLimiter(options), close: async () => redis.disconnect() };
  }
  const database = store === "mysql" ? mysql({ uri: address }) : sqlite({ path: address });
  return { nonces: databaseNonces(database), limiter: databaseRateLimiter(database), close: () => database.close() };
}
