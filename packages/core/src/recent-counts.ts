import type { Clock } from "./ports/clock.ts";

/** Names and how many packages have each. */
export type Counts = { name: string; packages: number }[];

/** Remembers counts that go over the whole catalogue and are too dear to be made for every request. */
export interface RecentCounts {
  /** Counts of a kind that were made in the last second, or makes them now; who asks meanwhile waits for the same answer. */
  read(kind: string, count: () => Promise<Counts>): Promise<Counts>;
  /** Forgets everything; called after each change of a package. */
  forget(): void;
}

const staleAfterMs = 1000;

/** Nothing remembered yet. */
export function recentCounts(clock: Clock): RecentCounts {
  const made = new Map<string, { at: number; counts: Promise<Counts> }>();
  return {
    read(kind, count) {
      const known = made.get(kind);
      if (known !== undefined && Math.abs(clock.now() - known.at) < staleAfterMs) return known.counts;
      const counts = count();
      made.set(kind, { at: clock.now(), counts });
      counts.catch(() => {
        // Another one may have been begun since.
        if (made.get(kind)?.counts === counts) made.delete(kind);
      });
      return counts;
    },
    forget: () => made.clear(),
  };
}
