import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { registryPlugin } from "@serverless-registry/adapter-fastify";
import {
  argon2Passwords,
  type Clock,
  createRegistry,
  type Database,
  databaseNonces,
  databaseRateLimiter,
  type RegistryOptions,
} from "@serverless-registry/core";
import type { HttpOptions } from "@serverless-registry/core/http";
import { mysql } from "@serverless-registry/core/mysql";
import { redisNonces, redisRateLimiter } from "@serverless-registry/core/redis";
import { s3Client, s3Storage } from "@serverless-registry/storage-s3";
import { fastify } from "fastify";
import { Redis } from "ioredis";

/** A place in a bucket, and how it is reached. */
export interface StoragePlace {
  endpoint: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  bucket: string;
  prefix: string;
  stagingFolder: string;
}

/** A registry to serve. */
export interface WorldToServe {
  name: string;
  database: string;
  storage: StoragePlace;
  /** Default: one-time values and limits are kept in the database. */
  redis?: string;
  /** Where it listens. */
  port: number;
  /** File that holds the time. */
  clockFile: string;
  options: Partial<RegistryOptions>;
  http: HttpOptions & { mountPath: string };
}

/** What this program is told, one message each. It answers each with its number and a result or an error. */
export type Order = { number: number } & (
  | { open: WorldToServe }
  /** The result is what was logged as errors. */
  | { close: string }
  | { flush: string }
);

/** What it answers. */
export interface Reply {
  number: number;
  result?: unknown;
  error?: string;
}

interface Served {
  flush(): Promise<void>;
  close(): Promise<string[]>;
}

const worlds = new Map<string, Served>();

// Serves registries in a process of its own, as many and as the parent says.
process.on("message", (order: Order) => {
  carryOut(order).then(
    (result) => reply({ number: order.number, result }),
    (error: unknown) =>
      reply({ number: order.number, error: error instanceof Error ? String(error.stack) : String(error) }),
  );
});
process.on("disconnect", () => process.exit());

function reply(message: Reply): void {
  process.send?.(message);
}

async function carryOut(order: Order): Promise<unknown> {
  if ("open" in order) return open(order.open);
  if ("flush" in order) return worlds.get(order.flush)?.flush();
  return worlds.get(order.close)?.close();
}

async function open({
  name,
  database: uri,
  storage,
  redis,
  port,
  clockFile,
  options,
  http,
}: WorldToServe): Promise<void> {
  const { endpoint, credentials, ...place } = storage;
  const clock = { now: () => Number(readFileSync(clockFile, "utf8")) };
  const errors: string[] = [];
  const database = mysql({ uri, connectionLimit: 5 });
  const shared =
    redis === undefined ? inDatabase(database, clock) : await inRedis(redis, { prefix: `${name}:`, clock });
  const registry = createRegistry({
    serverSecret: "a secret that all instances share",
    ...options,
    ...{ database, clock, nonces: shared.nonces },
    storage: s3Storage({ client: s3Client({ endpoint, credentials }), ...place }),
    // What is kept in memory may be a second old, and this suite asks for what was done just now.
    limits: { ...options.limits, cacheBytes: 0 },
    passwords: argon2Passwords({ memoryKiB: 8, passes: 1 }),
    logger: { info() {}, warn() {}, error: (fields, text) => void errors.push(`${text} ${inspect(fields)}`) },
  });
  const { mountPath, ...rest } = http;
  const app = fastify({
    forceCloseConnections: true,
    trustProxy: "127.0.0.1",
    routerOptions: { maxParamLength: 64 * 1024 },
  });
  const { rateLimiter } = shared;
  await app.register(registryPlugin, { ...rest, rateLimiter, registry, prefix: mountPath });
  await app.listen({ port, host: "127.0.0.1" });
  worlds.set(name, {
    flush: () => registry.flush(),
    async close() {
      worlds.delete(name);
      await app.close();
      await registry.close();
      shared.end();
      return errors;
    },
  });
}

function inDatabase(database: Database, clock: Clock) {
  const nonces = databaseNonces(database, clock);
  return { nonces, rateLimiter: databaseRateLimiter(database, clock), end: () => undefined };
}

async function inRedis(url: string, options: { prefix: string; clock: Clock }) {
  const client = new Redis(url);
  const nonces = redisNonces({ redis: client, ...options });
  await nonces.claim(["start"], { ttlMs: 1000, sinceMs: options.clock.now() });
  return { nonces, rateLimiter: redisRateLimiter({ redis: client, ...options }), end: () => client.disconnect() };
}
