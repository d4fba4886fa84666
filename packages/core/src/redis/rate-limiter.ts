import { counterName, grainOf } from "../domain/sliding-window.ts";
import { RegistryError } from "../errors.ts";
import { memoryRateLimiter } from "../memory/rate-limiter.ts";
import { systemClock } from "../ports/clock.ts";
import type { RateLimiter } from "../ports/rate-limiter.ts";
import { graceMs, type RedisOptions, redisCheck, redisScript, setNow } from "./script.ts";

/** KEYS: the counter. ARGV: now, limit, window, grain, grace. The same as `domain/sliding-window.ts`, in Redis's language. */
const takeScript = `${setNow}
local limit, window, grain = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local runs, used, changed = {}, 0, false
for at, count in string.gmatch(redis.call('GET', KEYS[1]) or '', '(%d+):(%d+)') do
  at, count = tonumber(at), tonumber(count)
  if at > now then at, changed = now, true end
  if at > now - window then
    runs[#runs + 1] = { at, count }
    used = used + count
  end
end
local allowed = used < limit
if allowed then
  local last = runs[#runs]
  if last and math.floor(last[1] / grain) == math.floor(now / grain) then
    last[1], last[2] = now, last[2] + 1
  else
    runs[#runs + 1] = { now, 1 }
  end
end
if allowed or changed then
  local text = {}
  for index, run in ipairs(runs) do text[index] = string.format('%.0f:%.0f', run[1], run[2]) end
  redis.call('SET', KEYS[1], table.concat(text, ' '), 'PX', window + ARGV[5])
end
if allowed then return { 1, limit - used - 1, 0 } end
local oldest = runs[1] and runs[1][1] or now
return { 0, 0, math.max(1, oldest + window - now) }
`;

/**
 * Counts attempts in Redis, over a sliding window, for any number of instances together. Never allows more than the limit;
 * with limits above 16 an attempt may come free up to a 16th of the window late. A Redis that evicts makes it forgetful.
 * @throws unavailable `take`, when Redis cannot be reached or does not answer in time, and the rule is not to be kept locally
 */
export function redisRateLimiter(options: RedisOptions): RateLimiter {
  const { prefix = "registry:", clock } = options;
  const run = redisScript(options, takeScript);
  const local = memoryRateLimiter({ clock: clock ?? systemClock });
  return {
    check: redisCheck(options),
    async take(rule, key) {
      const values = [
        clock?.now() ?? "",
        rule.limit,
        Math.ceil(rule.windowMs),
        Math.ceil(grainOf(rule)),
        graceMs(clock),
      ];
      try {
        const answer = await run([`${prefix}rate:${counterName(rule.name, key)}`], values);
        const [allowed, remaining = 0, retryAfterMs = 0] = (answer as unknown[]).map(Number);
        return { allowed: allowed === 1, remaining, retryAfterMs };
      } catch (error) {
        if (rule.outage === "local" && RegistryError.is(error, "unavailable")) return local.take(rule, key);
        throw error;
      }
    },
  };
}
