import { RegistryError } from "../errors.ts";
import { type Clock, systemClock } from "../ports/clock.ts";
import type { NonceStore } from "../ports/nonce-store.ts";
import { type ExpiryQueue, expiryQueue } from "./expiry-queue.ts";

/** Settings of {@link memoryNonces}. */
export interface MemoryNonceOptions {
  clock?: Clock;
  /** Most live claims that are held (default 250,000: 4,000 signed requests a second). */
  maxEntries?: number;
}

const RETRY_AFTER_MS = 1000;

/**
 * Keeps claims in this process's memory. Right for one process only: a second one, or a restart inside the time
 * of a claim, knows nothing of them.
 * @throws unavailable `claim`, when `maxEntries` live claims are held
 */
export function memoryNonces(options: MemoryNonceOptions = {}): NonceStore {
  const { clock = systemClock, maxEntries = 250_000 } = options;
  const startedAt = clock.now();
  const live = new Set<string>();
  const queue: ExpiryQueue = expiryQueue();

  function forgetExpired(now: number): void {
    for (let value = queue.takeExpired(now); value !== null; value = queue.takeExpired(now)) live.delete(value);
  }

  return {
    // Nothing is awaited inside: that makes a claim one atomic step.
    async claim(values, { ttlMs, sinceMs }) {
      const now = clock.now();
      if (sinceMs < startedAt) return false;
      forgetExpired(now);
      const wanted = new Set(values);
      for (const value of wanted) if (live.has(value)) return false;
      if (live.size + wanted.size > maxEntries)
        throw new RegistryError("unavailable", { retryAfterMs: RETRY_AFTER_MS });
      for (const value of wanted) {
        live.add(value);
        queue.add(value, now + ttlMs);
      }
      return true;
    },
  };
}
