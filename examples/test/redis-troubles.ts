import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { OwnServer } from "../../packages/core/test/redis/own-server.ts";
import { saysWhenToComeAgain } from "./steady-clients.ts";

/** What can become of a Redis beneath servers that go on. */
export interface Outage {
  name: string;
  /** What signed requests are told from its beginning to its end; null: some may be accepted. */
  refusal: RegExp | null;
  /** Whether Redis knows less afterwards. */
  forgets: boolean;
  lastsMs: number;
  /** Makes it; what that resolves to ends it. */
  begin(place: Place): Promise<() => Promise<unknown>>;
}

/** A server, and a connection to it that only these troubles use. */
export interface Place {
  redis: OwnServer;
  admin: Redis;
}

const pauseMs = 1000 * Number(process.env.PAUSE_SECONDS ?? 5);

/** A Redis that takes nothing more can still tell what may be older than its memory. */
const awayOrOld = new RegExp(`${saysWhenToComeAgain.source}|: 401 \\{.*"replayed_request"`);

async function numberOf(admin: Redis, section: string, name: string): Promise<number> {
  const [, digits] = new RegExp(`^${name}:(\\d+)`, "m").exec(await admin.info(section)) ?? [];
  return Number(digits);
}

/** Sets values that nobody needs, so that others go, until it is over. */
async function fill(admin: Redis, isOver: () => boolean): Promise<void> {
  for (let at = 0; !isOver(); at += 1) {
    // Where nothing is left that may go, this is refused too.
    await admin.set(`filler ${at % 1000}`, "x".repeat(1000), "EX", 1000).catch(() => undefined);
    await sleep(5);
  }
}

/** What goes first: what ends next, which is what was used and not since when it is known; or what nobody asked for in the longest time. */
function evicting(policy: "volatile-ttl" | "allkeys-lru"): Outage {
  return {
    ...{ name: `evicting by ${policy}`, refusal: null, forgets: true, lastsMs: 2000 },
    async begin({ admin }) {
      const before = await numberOf(admin, "stats", "evicted_keys");
      const usedBytes = await numberOf(admin, "memory", "used_memory");
      await admin.config("SET", "maxmemory-policy", policy);
      await admin.config("SET", "maxmemory", `${usedBytes + 50_000}`);
      let isOver = false;
      const filling = fill(admin, () => isOver);
      while ((await numberOf(admin, "stats", "evicted_keys")) === before) await sleep(20);
      return async () => {
        isOver = true;
        await filling;
        await admin.config("SET", "maxmemory", "0");
        await admin.config("SET", "maxmemory-policy", "noeviction");
      };
    },
  };
}

export const outages: readonly Outage[] = [
  {
    ...{ name: "killed", refusal: saysWhenToComeAgain, forgets: true, lastsMs: 2000 },
    async begin({ redis }) {
      await redis.kill();
      return redis.start;
    },
  },
  {
    ...{ name: "paused", refusal: saysWhenToComeAgain, forgets: false, lastsMs: pauseMs },
    async begin({ redis }) {
      redis.signal("SIGSTOP");
      // It has stopped by then.
      await sleep(100);
      return async () => redis.signal("SIGCONT");
    },
  },
  {
    ...{ name: "restarted empty", refusal: null, forgets: true, lastsMs: 0 },
    async begin({ redis }) {
      await redis.kill();
      await redis.start();
      return async () => undefined;
    },
  },
  {
    ...{ name: "full", refusal: awayOrOld, forgets: false, lastsMs: 2000 },
    async begin({ admin }) {
      await admin.config("SET", "maxmemory", "1");
      return () => admin.config("SET", "maxmemory", "0");
    },
  },
  evicting("volatile-ttl"),
  evicting("allkeys-lru"),
];
