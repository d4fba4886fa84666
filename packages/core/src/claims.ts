import type { Clock } from "./ports/clock.ts";
import type { NonceStore } from "./ports/nonce-store.ts";

const grainMs = 1000;

/**
 * The same store for a clock that may be set back. A store forgets a claim when its time is over; when the clock is set back after
 * that, a request whose claim was forgotten would be fresh once more. What this process saw claimed and may be forgotten is refused:
 * for seconds after the clock was ahead, and until it has caught up when it is behind.
 */
export function claimsByClock(store: NonceStore, clock: Clock): NonceStore {
  /** When claims were granted that are held still, one entry for each second. */
  const held = new Set<number>();
  let shortestMs = Number.POSITIVE_INFINITY;
  let forgottenUpTo = Number.NEGATIVE_INFINITY;

  function notice(now: number): void {
    for (const second of held) {
      if (second * grainMs > now - shortestMs) continue;
      held.delete(second);
      forgottenUpTo = Math.max(forgottenUpTo, (second + 1) * grainMs);
    }
  }

  return {
    // Whether it answers is asked of the store itself.
    ...(store.check && { check: async () => store.check?.() }),
    async claim(values, terms) {
      const now = clock.now();
      notice(now);
      if (terms.sinceMs < forgottenUpTo) return false;
      const isGranted = await store.claim(values, terms);
      if (isGranted) {
        held.add(Math.floor(now / grainMs));
        shortestMs = Math.min(shortestMs, terms.ttlMs);
      }
      return isGranted;
    },
  };
}
