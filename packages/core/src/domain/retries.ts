const secondMs = 1000;
const hourMs = 3_600_000;
const firstMs = 10 * secondMs;
const longestMs = 8 * hourMs;

/**
 * How long to wait after an attempt that failed: three times as long after each, from ten seconds to eight hours, less up to half of it by chance, so
 * that what failed together is not tried again together.
 * @param attempts how many there were, 1 or more
 * @param chance from 0 to 1
 */
export function retryDelayMs(attempts: number, chance = Math.random()): number {
  return Math.round(Math.min(longestMs, firstMs * 3 ** (attempts - 1)) * (1 - chance / 2));
}

/** What a `Retry-After` header asks for: seconds, or a time. Bounded; null where it says nothing. */
export function parseRetryAfter(header: string | null, now: number): number | null {
  if (header === null) return null;
  const ms = /^\s*\d{1,9}\s*$/.test(header) ? Number(header) * secondMs : Date.parse(header) - now;
  return Number.isNaN(ms) || ms < 0 ? null : Math.min(ms, longestMs);
}
