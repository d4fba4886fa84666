import { createHash } from "node:crypto";
import { RegistryError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";

/** What is used of a Redis client. An ioredis `Redis` or `Cluster` is one. */
export interface RedisClient {
  readonly status: string;
  evalsha(sha1: string, keyCount: number, ...keysAndArguments: (string | number)[]): Promise<unknown>;
  eval(script: string, keyCount: number, ...keysAndArguments: (string | number)[]): Promise<unknown>;
}

/** Where the shared values lie. */
export interface RedisOptions {
  /** A connected client of the host's own; the host closes it. */
  redis: RedisClient;
  /** What every key begins with; default `registry:`. Registries that share a Redis need one each. */
  prefix?: string;
  /** Default: Redis's own clock, which is the same for every instance. */
  clock?: Clock;
  /** How long an answer is waited for, in milliseconds; default 1000. */
  timeoutMs?: number;
}

/** Runs one script with these keys and arguments in one atomic step. */
export type RedisScript = (keys: readonly string[], values: readonly (string | number)[]) => Promise<unknown>;

/** States of a client that has no connection, and would only queue. */
const awayStates: ReadonlySet<string> = new Set(["reconnecting", "close", "end", "disconnecting"]);
const retryAfterMs = 1000;

/**
 * A script that Redis keeps under its digest. Nothing waits for longer than `timeoutMs`; while Redis owes an answer that is
 * overdue, nothing more is sent, so that no queue grows.
 * @throws unavailable
 */
export function redisScript({ redis, timeoutMs = 1000 }: RedisOptions, source: string): RedisScript {
  const digest = createHash("sha1").update(source).digest("hex");
  let overdue = 0;

  async function evaluate(keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    try {
      return await redis.evalsha(digest, keys.length, ...keys, ...values);
    } catch (error) {
      // The first word of Redis's errors is their code. It forgets scripts when it restarts.
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT "))) throw error;
      return redis.eval(source, keys.length, ...keys, ...values);
    }
  }

  return (keys, values) => {
    if (overdue > 0 || awayStates.has(redis.status)) {
      return Promise.reject(new RegistryError("unavailable", { retryAfterMs }));
    }
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown) => reject(new RegistryError("unavailable", { cause, retryAfterMs }));
      let isOverdue = false;
      const timer = setTimeout(() => {
        isOverdue = true;
        overdue += 1;
        fail(new Error(`Redis did not answer within ${timeoutMs} ms`));
      }, timeoutMs);
      evaluate(keys, values)
        .then(resolve, fail)
        .finally(() => {
          clearTimeout(timer);
          if (isOverdue) overdue -= 1;
        });
    });
  };
}

/**
 * Whether Redis answers, and lets us run scripts.
 * @throws unavailable
 */
export function redisCheck(options: RedisOptions): () => Promise<void> {
  const run = redisScript(options, "return 1");
  return async () => void (await run([], []));
}

/** Lua: sets `now` to the first argument, or to Redis's own clock where that is empty. */
export const setNow = `
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
`;

/** How much longer keys live than their values count: Redis ends keys by its own clock, and one of the host's may run otherwise. */
export function graceMs(clock: Clock | undefined): number {
  return clock === undefined ? 0 : 60_000;
}
