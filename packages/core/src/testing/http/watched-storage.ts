import type { BlobStorage } from "../../ports/blob-storage.ts";

/** A storage whose unfinished business can be counted. */
export interface WatchedStorage extends BlobStorage {
  /** Staged pieces that were neither committed nor discarded, and bodies that were neither read to their end nor closed. */
  readonly unfinished: { stages: number; bodies: number };
}

/** Watches what is opened in `storage`. */
export function watchedStorage(storage: BlobStorage): WatchedStorage {
  const unfinished = { stages: 0, bodies: 0 };
  return {
    ...storage,
    unfinished,
    async stage(expectedSize) {
      const staged = await storage.stage(expectedSize);
      unfinished.stages += 1;
      let isOpen = true;
      const settle = () => {
        if (isOpen) unfinished.stages -= 1;
        isOpen = false;
      };
      return {
        writable: staged.writable,
        path: staged.path,
        commit: (...given) => staged.commit(...given).then(settle),
        discard: () => staged.discard().then(settle),
      };
    },
    async open(digest, range) {
      const blob = await storage.open(digest, range);
      if (blob === null) return null;
      unfinished.bodies += 1;
      blob.body.once("close", () => {
        unfinished.bodies -= 1;
      });
      return blob;
    },
  };
}
