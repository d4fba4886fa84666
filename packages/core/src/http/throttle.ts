import { RegistryError } from "../errors.ts";
import { type Semaphore, semaphore } from "../semaphore.ts";
import type { HttpSettings, RateLimitName } from "./options.ts";

/** A request whose attempts are counted. */
export interface Throttled {
  readonly settings: HttpSettings;
  /** What its answer says of the limit that it came closest to; null while none counts. */
  rateHeaders: Readonly<Record<string, string>> | null;
}

/**
 * Counts an attempt of `key` under a rule. What is left shows in the answer, but not how often others tried an account.
 * @throws rate_limited
 */
export async function throttle(request: Throttled, name: RateLimitName | null, key: string): Promise<void> {
  const { rules, limiter } = request.settings;
  if (rules === null || name === null) return;
  const rule = rules[name];
  const { allowed, remaining, retryAfterMs } = await limiter.take(rule, key);
  if (!allowed || name !== "login_account") {
    request.rateHeaders = {
      "ratelimit-limit": String(rule.limit),
      "ratelimit-remaining": String(remaining),
      // After a whole window without a request everything is free again.
      "ratelimit-reset": inSeconds(allowed ? rule.windowMs : retryAfterMs),
    };
  }
  if (!allowed) throw new RegistryError("rate_limited", { retryAfterMs });
}

function inSeconds(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1000)));
}

/** Archives that wait behind those a user sends already. */
const MAX_WAITING = 32;

/** Bounds how many archives come under one key (a user, an address) at the same time; some more wait without being read. */
export interface UploadPlaces {
  /** @throws overloaded too many wait */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
}

/** {@link UploadPlaces} in this process's memory. */
export function uploadPlaces(perUser: number): UploadPlaces {
  if (!(perUser >= 1)) throw new RangeError("parallelUploads must be at least 1");
  const users = new Map<string, { places: Semaphore; count: number }>();
  return {
    async run(key, work) {
      const user = users.get(key) ?? { places: semaphore({ running: perUser, queued: MAX_WAITING }), count: 0 };
      users.set(key, user);
      user.count += 1;
      try {
        return await user.places.run(work);
      } finally {
        user.count -= 1;
        if (user.count === 0) users.delete(key);
      }
    },
  };
}
