import type { BlobStorage, StagedBlob } from "@serverless-registry/core";
import { blobFolders } from "./blob-folders.ts";
import { directories } from "./directories.ts";
import { freeSpace, hasCode, reportingFullDisk, requireFreeSpace } from "./full-disk.ts";
import { layoutBelow } from "./layout.ts";
import { isNginxPath } from "./nginx-path.ts";
import { openFile, readSmallFile, SINGLE_READ_BYTES } from "./read.ts";
import { smallBlobs } from "./small-blobs.ts";
import { openStage } from "./stage.ts";
import { statIfThere, sweepStages, unlinkIfThere, walkBlobs } from "./walk.ts";

export { isNginxPath } from "./nginx-path.ts";

/** Settings of {@link fsStorage}. */
export interface FsStorageOptions {
  /** Folder that holds everything: on one local file system with hard links, used by nothing else. Made on first use. */
  root: string;
  /** Space that stays free: new bytes are refused when fewer are left (default 256 MiB). */
  reserveBytes?: number;
  /** Memory for archives of up to 256 KiB that were read lately (default 16 MiB, 0 for none). */
  cacheBytes?: number;
  /**
   * Path of an internal location of nginx, like `/_archives`, that serves the folder `blobs` below `root`. nginx then sends archives itself
   * once the registry has let a request through and counted it; every request must come through nginx. Default: the registry sends.
   */
  nginxPath?: string;
}

const DEFAULT_RESERVE_BYTES = 256 * 1024 * 1024;
const DEFAULT_CACHE_BYTES = 16 * 1024 * 1024;

/** An upload writes at least so often, or it has died: what is older when the storage is first used was left by a crash. */
const LEFTOVER_AGE_MS = 60 * 60 * 1000;

/**
 * Keeps blobs as files `blobs/<aa>/<bb>/<digest>` below a folder, readable by the owner only. A blob appears complete or not
 * at all, and is on disk, with every folder that leads to it, before its commit resolves. A whole blob is hashed as it is read, and
 * breaks off before its last bytes when they are not those that were stored; of a part nobody knows the digest.
 * Several processes may share the folder. The first use removes what uploads that a crash cut off have left.
 * @throws TypeError for a `nginxPath` that is none
 * @throws insufficient_storage `stage`, its stream and `commit`: the disk is full, or a quota or the reserve is reached
 */
export function fsStorage(options: FsStorageOptions): BlobStorage {
  const { root, reserveBytes = DEFAULT_RESERVE_BYTES, cacheBytes = DEFAULT_CACHE_BYTES, nginxPath } = options;
  const layout = layoutBelow(root);
  const folders = directories();

  if (nginxPath !== undefined && !isNginxPath(nginxPath)) {
    throw new TypeError(
      `nginxPath begins with a slash, does not end with one, and has no segment . or ..: ${nginxPath}`,
    );
  }
  const places = blobFolders(layout, folders);
  const small = smallBlobs(cacheBytes);

  let isMade = false;
  let swept = false;

  async function prepare(): Promise<void> {
    if (isMade) return;
    await folders.ensure(layout.stages);
    await folders.ensure(layout.blobs);
    isMade = true;
    if (swept) return;
    swept = true;
    await sweepStages(layout, LEFTOVER_AGE_MS);
  }

  async function stage(expectedSize: number): Promise<StagedBlob> {
    await reportingFullDisk(prepare);
    requireFreeSpace(layout.stages, expectedSize + reserveBytes);
    return openStage(layout, places);
  }

  return {
    async stage(expectedSize = 0) {
      try {
        return await stage(expectedSize);
      } catch (error) {
        // Somebody has removed the folders that were there.
        if (!isMade || !hasCode(error, "ENOENT")) throw error;
        isMade = false;
        return stage(expectedSize);
      }
    },
    async open(digest, range) {
      const path = layout.blobPath(digest);
      return path === null ? null : openFile(path, range === undefined ? { digest } : { range });
    },
    async readSmall(digest, size) {
      const path = layout.blobPath(digest);
      if (path === null || size > SINGLE_READ_BYTES) return null;
      const kept = small.get(digest);
      if (kept !== undefined) return kept;
      const removals = small.removals();
      const bytes = await readSmallFile(path, digest);
      if (bytes !== null) small.keep(digest, bytes, removals);
      return bytes;
    },
    async stat(digest) {
      const path = layout.blobPath(digest);
      const found = path === null ? null : await statIfThere(path);
      return found === null ? null : { size: found.size };
    },
    async delete(digest) {
      const path = layout.blobPath(digest);
      if (path === null) return;
      await unlinkIfThere(path);
      small.remove(digest);
    },
    async list(after, limit) {
      const page = [];
      if (limit > 0) {
        for await (const blob of walkBlobs(layout, after)) {
          if (page.push(blob) === limit) break;
        }
      }
      return page;
    },
    async freeBytes() {
      // Made at the first use, and not again: a folder that is gone shall show.
      if (!swept) await prepare();
      return Math.max(0, freeSpace(layout.stages) - reserveBytes);
    },
    ...(nginxPath !== undefined && {
      internalPath(digest) {
        const name = layout.blobName(digest);
        if (name === null) throw new Error("A digest is 64 lower-case hexadecimal digits");
        return `${nginxPath}/${name}`;
      },
    }),
    async sweepStaged(olderThanMs) {
      return sweepStages(layout, olderThanMs);
    },
  };
}
