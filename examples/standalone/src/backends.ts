import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import {
  type BlobStorage,
  type Database,
  databaseRateLimiter,
  type Logger,
  type NonceStore,
  type RateLimiter,
} from "@serverless-registry/core";
import type { Redis } from "ioredis";
import { openBucket } from "./bucket.ts";
import type { Config } from "./config.ts";
import { causeOf, messageOf, mysqlReasons, networkReasons, reasonFor } from "./reasons.ts";

/** What the registry stands on. Drivers are loaded for what is used, and only then. */
export interface Backends {
  database: Database;
  storage: BlobStorage;
  /** What servers share, where it is not as the registry has it by itself. */
  shared: { nonces?: NonceStore; rateLimiter?: RateLimiter };
  /** Lets go of everything but the database, which the registry closes. */
  close(): Promise<void>;
}

/**
 * Opens what the configuration names.
 * @throws Error with what to do when a file cannot be opened, or a bucket or Redis is not there
 */
export async function openBackends(config: Config, logger: Logger): Promise<Backends> {
  const redis = config.redisUrl === null ? null : await connectRedis(config.redisUrl, logger);
  const close = async () => redis?.disconnect();
  try {
    const storage = await openStorage(config);
    const inRedis = redis === null ? null : await openRedis(redis, config.redisUrl ?? "");
    const database = await openDatabase(config);
    const shared = inRedis ?? (config.database.kind === "sqlite" ? {} : { rateLimiter: databaseRateLimiter(database) });
    return { database, storage, shared, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Opens a database; a SQLite file is made when missing.
 * @throws Error with what to do when a file cannot be opened
 */
export async function openDatabase({ database }: Pick<Config, "database">): Promise<Database> {
  if (database.kind === "mysql") {
    const { mysql } = await import("@serverless-registry/core/mysql");
    return mysql({ uri: database.uri });
  }
  const { sqlite } = await import("@serverless-registry/core/sqlite");
  await mkdir(dirname(database.path), { recursive: true, mode: 0o700 });
  try {
    return sqlite({ path: database.path });
  } catch (error) {
    throw new Error(`${database.path}: ${messageOf(error)}`, { cause: error });
  }
}

/** An error of the database in words that say what to do. */
export function databaseReason(error: unknown, { database }: Pick<Config, "database">): string {
  if (database.kind === "sqlite") return messageOf(error);
  const { host, username, pathname } = new URL(database.uri);
  const settings = { host: "DATABASE_URL", login: "DATABASE_URL" };
  const place = { host, user: decodeURIComponent(username), database: decodeURIComponent(pathname.slice(1)), settings };
  return reasonFor(error, mysqlReasons(place));
}

/**
 * Opens a storage; a bucket is tried.
 * @throws Error with what to do when the bucket cannot be used
 */
export async function openStorage({
  storage,
  nginxArchives = null,
}: Pick<Config, "storage"> & { nginxArchives?: string | null }): Promise<BlobStorage> {
  if (storage.kind === "s3") return openBucket(storage);
  const { fsStorage } = await import("@serverless-registry/storage-fs");
  return fsStorage({ root: storage.root, ...(nginxArchives !== null && { nginxPath: nginxArchives }) });
}

async function openRedis(redis: Redis, url: string): Promise<Backends["shared"]> {
  const { redisNonces, redisRateLimiter } = await import("@serverless-registry/core/redis");
  const nonces = redisNonces({ redis });
  try {
    // Begins what Redis remembers now and not with the first signed request, and shows that Redis lets us.
    await nonces.claim([`start ${randomUUID()}`], { ttlMs: 1000, sinceMs: Date.now() });
  } catch (error) {
    const reason = causeOf(error);
    throw new Error(`Redis at ${new URL(url).host} refuses what the registry asks of it, check REDIS_URL: ${reason}`, {
      cause: error,
    });
  }
  return { nonces, rateLimiter: redisRateLimiter({ redis }) };
}

const redisTimeoutMs = 3000;

async function connectRedis(url: string, logger: Logger): Promise<Redis> {
  const { Redis } = await import("ioredis");
  let isConnected = false;
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: redisTimeoutMs,
    // A connection whose other end is gone without a word: given up when an answer does not come. One that waits for none may be silent.
    socketTimeout: 5000,
    // Tried again for ever once it was there; what is away at the start is named and given up.
    retryStrategy: (times) => (isConnected ? Math.min(times * 100, 2000) : null),
  });
  let lastError: unknown;
  redis.on("error", (error: unknown) => {
    lastError = error;
    if (isConnected) logger.error({ err: error }, "Redis is away");
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    throw new Error(reasonFor(lastError ?? error, redisReasons(url)), { cause: error });
  }
  isConnected = true;
  return redis;
}

function redisReasons(url: string): Readonly<Record<string, string>> {
  const { host } = new URL(url);
  const refused = `Redis at ${host} wants another user or password; check REDIS_URL`;
  return { ...networkReasons(`Redis at ${host}`, "REDIS_URL"), ReplyError: refused };
}
