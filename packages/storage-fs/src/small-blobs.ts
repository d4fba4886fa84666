import type { Digest } from "@serverless-registry/core";

/** Bytes of small blobs that were read lately. They are shared, so nobody may change them. */
export interface SmallBlobs {
  get(digest: Digest): Buffer | undefined;
  /** Keeps a blob, unless one was removed since `removals` was asked for: that may have been this one. */
  keep(digest: Digest, bytes: Buffer, removals: number): void;
  /** How many were removed so far. */
  removals(): number;
  remove(digest: Digest): void;
}

/** What an entry occupies beside its bytes, about: an archive may be so small that this is most of it. */
const entryBytes = 1024;

/** Holds at most `maxBytes`; what was not read for the longest time goes first. */
export function smallBlobs(maxBytes: number): SmallBlobs {
  // In the order of their last use: a Map keeps the order in which keys were set.
  const kept = new Map<Digest, Buffer>();
  let keptBytes = 0;
  let removed = 0;

  function drop(digest: Digest): void {
    const bytes = kept.get(digest);
    if (bytes === undefined) return;
    keptBytes -= bytes.length + entryBytes;
    kept.delete(digest);
  }

  return {
    get(digest) {
      const bytes = kept.get(digest);
      if (bytes === undefined) return undefined;
      kept.delete(digest);
      kept.set(digest, bytes);
      return bytes;
    },
    keep(digest, bytes, removals) {
      if (removals !== removed || bytes.length + entryBytes > maxBytes) return;
      drop(digest);
      kept.set(digest, bytes);
      keptBytes += bytes.length + entryBytes;
      for (const oldest of kept.keys()) {
        if (keptBytes <= maxBytes) return;
        drop(oldest);
      }
    },
    removals: () => removed,
    remove(digest) {
      removed += 1;
      drop(digest);
    },
  };
}
