/** Values in the order in which they expire: a binary heap, so that cleaning costs nothing but what is cleaned. */
export interface ExpiryQueue {
  add(value: string, expiresAt: number): void;
  /** Removes and returns the value that expires first, if its time has come; else null. */
  takeExpired(now: number): string | null;
}

interface Entry {
  value: string;
  expiresAt: number;
}

/** An empty {@link ExpiryQueue}. */
export function expiryQueue(): ExpiryQueue {
  const heap: Entry[] = [];

  function rise(entry: Entry, from: number): void {
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (!parent || parent.expiresAt <= entry.expiresAt) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = entry;
  }

  function sink(entry: Entry): void {
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      const left = heap[childIndex];
      if (!left) break;
      const right = heap[childIndex + 1];
      const child = right && right.expiresAt < left.expiresAt ? right : left;
      if (child === right) childIndex += 1;
      if (entry.expiresAt <= child.expiresAt) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = entry;
  }

  return {
    add(value, expiresAt) {
      rise({ value, expiresAt }, heap.length);
    },
    takeExpired(now) {
      const first = heap[0];
      if (!first || first.expiresAt > now) return null;
      const last = heap.pop();
      if (last && last !== first) sink(last);
      return first.value;
    },
  };
}
