import { createHash } from "node:crypto";
import { systemClock } from "../ports/clock.ts";
import type { NonceStore } from "../ports/nonce-store.ts";
import { graceMs, type RedisOptions, redisCheck, redisScript, setNow } from "./script.ts";

/**
 * KEYS: the memory, then one per value. ARGV: now, the caller's time, since, ttl, grace.
 *
 * The memory says since when nothing was forgotten, and under which run of the server. It has no end, and it counts for
 * nothing after a restart (Redis may have come back with an old copy, or a replica may have taken over that had not heard of
 * the last claims) or after anything was evicted.
 */
const claimScript = `${setNow}
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or '-'
run = run .. ' ' .. (string.match(redis.call('INFO', 'stats'), 'evicted_keys:(%d+)') or '-')
local since, knownRun = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (.+)$')
if knownRun ~= run then
  since = string.format('%.0f', math.max(now, tonumber(ARGV[2])))
  redis.call('SET', KEYS[1], since .. ' ' .. run)
end
if tonumber(ARGV[3]) < tonumber(since) then return 0 end
for index = 2, #KEYS do
  if tonumber(redis.call('GET', KEYS[index]) or 0) > now then return 0 end
end
local ends = string.format('%.0f', now + tonumber(ARGV[4]))
for index = 2, #KEYS do
  redis.call('SET', KEYS[index], ends, 'PX', ARGV[4] + ARGV[5])
end
return 1
`;

/**
 * Keeps claims in Redis, for any number of instances. What Redis forgets it does not grant again: after a restart, a failover,
 * `FLUSHDB` or an eviction it refuses whatever may have been claimed before, which is to say everything for as long as a
 * signed request is good. So give it a Redis with `maxmemory-policy noeviction`; one that evicts all the time refuses all the time.
 * The user it signs in as needs `EVAL`, `EVALSHA`, `GET`, `SET`, `TIME` and `INFO`. Works on Redis 5 and later.
 * @throws unavailable `claim`, when Redis cannot be reached, is out of memory, or does not answer in time
 */
export function redisNonces(options: RedisOptions): NonceStore {
  const { prefix = "registry:", clock } = options;
  const run = redisScript(options, claimScript);
  // In a cluster the braces put all keys in one place, or there would be no atomic step over several of them.
  const keyOf = (name: string) => `${prefix}{nonces}:${name}`;
  return {
    check: redisCheck(options),
    async claim(values, { ttlMs, sinceMs }) {
      const hashes = [...new Set(values)].map((value) => createHash("sha256").update(value).digest("base64url"));
      const keys = ["memory", ...hashes].map(keyOf);
      const now = clock?.now() ?? "";
      const given = [now, (clock ?? systemClock).now(), Math.floor(sinceMs), Math.ceil(ttlMs), graceMs(clock)];
      return Number(await run(keys, given)) === 1;
    },
  };
}
