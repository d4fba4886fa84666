import { dirname } from "node:path";
import type { Digest } from "@serverless-registry/core";
import type { Directories } from "./directories.ts";
import type { Layout } from "./layout.ts";

/** The folders that blobs lie in. */
export interface BlobFolders {
  /** Makes the folder of a blob, durably, unless this storage has made or found it before. */
  ensure(digest: Digest): Promise<void>;
  /** Somebody has removed the folder. */
  forget(digest: Digest): void;
}

/** Remembers one bit for each of the folders, all that there can be. */
export function blobFolders(layout: Layout, folders: Directories): BlobFolders {
  const known = new Uint8Array(256 * 256);
  const indexOf = (digest: Digest) => Number.parseInt(digest.slice(0, 4), 16);
  return {
    async ensure(digest) {
      const path = layout.blobPath(digest);
      if (path === null || known[indexOf(digest)] === 1) return;
      await folders.ensure(dirname(path));
      known[indexOf(digest)] = 1;
    },
    forget(digest) {
      known[indexOf(digest)] = 0;
    },
  };
}
