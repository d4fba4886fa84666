import { LRUCache } from "lru-cache";
import type { Clock } from "./ports/clock.ts";
import type { Database } from "./ports/database.ts";

/** Keeps what was read of packages, one by one or all over, until somebody changes them. */
export interface PackageCache {
  /**
   * What `load` read of a package earlier, or now. `part` says which of its aspects. Undefined is never kept.
   * What this process changed shows at once; what others changed shows from the next turn of the event loop on where the
   * database can tell, else within a second.
   */
  read<T extends object>(packageName: string, part: string, load: () => Promise<T | undefined>): Promise<T | undefined>;
  /** The same without reading anything: undefined when it is not there. */
  recall<T extends object>(packageName: string, part: string): T | undefined;
  /**
   * What `load` found all over the packages when this was asked last, or finds now; who asks meanwhile waits for the same. Kept until any
   * package changes, and for a second at most: counted downloads are no change. What is kept must not depend on who asks.
   */
  readAll<T extends object>(question: string, load: () => Promise<T>): Promise<T>;
  /** Forgets everything about a package, and what was found all over; called after each of its changes was committed. */
  forget(packageName: string): void;
  /** How much is kept. */
  size(): { packages: number; bytes: number };
}

const staleAfterMs = 1000;

/** How much is kept of what was found all over, besides, of the memory for packages. */
const shareOfLists = 1 / 8;

interface Entry {
  parts: Map<string, object>;
  sizeBytes: number;
  loadedAt: number;
}

/** What was found all over, or will be soon. */
interface List {
  found: Promise<object>;
  sizeBytes: number;
  askedAt: number;
}

/** A cache that holds at most about `maxBytes` of what was read of packages, and an eighth of that besides; with 0 nothing is kept. */
export function packageCache(database: Database, clock: Clock, maxBytes: number): PackageCache {
  const entries = new LRUCache<string, Entry>({
    maxSize: Math.max(maxBytes, 1),
    sizeCalculation: (entry) => entry.sizeBytes,
  });
  const maxListBytes = Math.max(Math.floor(maxBytes * shareOfLists), 1);
  const lists = new LRUCache<string, List>({ maxSize: maxListBytes, sizeCalculation: (list) => list.sizeBytes });
  let foreignChanges = database.foreignChanges();
  let askedInThisTurn = false;
  // Counts every forgetting, so that a read that was under way meanwhile is not kept.
  let epoch = 0;

  /** Asks once for all requests that came together: the question costs far more than a read from memory. */
  function noticeForeignChanges(): void {
    if (askedInThisTurn) return;
    const now = database.foreignChanges();
    askedInThisTurn = true;
    setImmediate(() => {
      askedInThisTurn = false;
    });
    if (now === foreignChanges) return;
    foreignChanges = now;
    epoch++;
    entries.clear();
    lists.clear();
  }

  function liveEntry(packageName: string): Entry | undefined {
    noticeForeignChanges();
    const entry = entries.get(packageName);
    if (entry === undefined || foreignChanges !== undefined) return entry;
    if (isYoung(entry.loadedAt)) return entry;
    entries.delete(packageName);
    return undefined;
  }

  function isYoung(since: number): boolean {
    const ageMs = clock.now() - since;
    // A clock that was set back says nothing about the age.
    return ageMs >= 0 && ageMs < staleAfterMs;
  }

  /** Asks anew, and keeps the answer if nothing has changed until it is there. */
  function ask<T extends object>(question: string, load: () => Promise<T>): Promise<T> {
    const found = load();
    const list = { found, sizeBytes: 1, askedAt: clock.now() };
    lists.set(question, list);
    const settle = (sizeBytes: number) => {
      // Something has changed, or another one has been begun.
      if (lists.peek(question) !== list) return;
      lists.delete(question);
      // What is larger than the room for all is kept in place of all others: it takes longest to find.
      if (sizeBytes > 0) lists.set(question, { ...list, sizeBytes: Math.min(sizeBytes, maxListBytes) });
    };
    found.then(
      (value) => settle(maxBytes === 0 ? 0 : 200 + roughBytes(question) + roughBytes(value)),
      () => settle(0),
    );
    return found;
  }

  return {
    recall: <T extends object>(packageName: string, part: string) =>
      liveEntry(packageName)?.parts.get(part) as T | undefined,
    async read<T extends object>(packageName: string, part: string, load: () => Promise<T | undefined>) {
      const kept = liveEntry(packageName)?.parts.get(part);
      if (kept !== undefined) return kept as T;
      const epochBefore = epoch;
      const startedAt = clock.now();
      const value = await load();
      if (value === undefined || epoch !== epochBefore || maxBytes === 0) return value;
      const entry = entries.get(packageName) ?? { parts: new Map(), sizeBytes: 200, loadedAt: startedAt };
      // Somebody else has read the same meanwhile.
      if (entry.parts.has(part)) return value;
      entry.parts.set(part, value);
      const sizeBytes = entry.sizeBytes + 200 + roughBytes(value);
      // A new object, since of one that is there already no size is asked; as old as the oldest of its parts.
      entries.set(packageName, { parts: entry.parts, sizeBytes, loadedAt: Math.min(entry.loadedAt, startedAt) });
      return value;
    },
    async readAll<T extends object>(question: string, load: () => Promise<T>) {
      noticeForeignChanges();
      const list = lists.get(question);
      if (list !== undefined && isYoung(list.askedAt)) return list.found as Promise<T>;
      return ask(question, load);
    },
    forget(packageName) {
      epoch++;
      entries.delete(packageName);
      lists.clear();
    },
    size: () => ({ packages: entries.size, bytes: entries.calculatedSize + lists.calculatedSize }),
  };
}

/** About what a value of plain data occupies. Walks it, since writing it as JSON takes several times as long. */
function roughBytes(value: unknown): number {
  if (typeof value === "string") return 24 + 2 * value.length;
  if (typeof value !== "object" || value === null) return 8;
  return Object.values(value).reduce((sum: number, member) => sum + 8 + roughBytes(member), 64);
}
