import { link, rename, stat, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import type { Writable } from "node:stream";
import type { Digest, StagedBlob } from "@serverless-registry/core";
import type { BlobFolders } from "./blob-folders.ts";
import { type Descriptor, openDescriptor, syncDirectory } from "./descriptor.ts";
import { asStorageError, hasCode, reportingFullDisk } from "./full-disk.ts";
import type { Layout } from "./layout.ts";
import { fileSink } from "./sink.ts";
import { unlinkIfThere } from "./walk.ts";

const FILE_MODE = 0o600;

/** A blob can be deleted between two steps of a commit; so often in a row only by something that is broken. */
const MAX_LINK_TRIES = 5;

/** Opens a new temporary file and the way from there to a blob. The folders exist. */
export async function openStage(layout: Layout, folders: BlobFolders): Promise<StagedBlob> {
  const path = layout.newStagePath();
  const file = await reportingFullDisk(() => openDescriptor(path, "wx", FILE_MODE));
  const sink = fileSink(file);
  let commitment: Promise<void> | null = null;
  let discarded = false;
  let removed = false;

  /** Closes and removes the temporary file; its name may be gone already. */
  async function remove(): Promise<void> {
    if (removed) return;
    await closeSink(sink.writable, file);
    await unlinkIfThere(path);
    removed = true;
  }

  async function makeDurable(digest: Digest, size: number, replaces: boolean): Promise<void> {
    if (!sink.writable.writableFinished) throw new Error("The staged bytes are not complete");
    if (sink.bytesWritten !== size) throw new Error(`Staged ${sink.bytesWritten} bytes, asked to commit ${size}`);
    const target = layout.blobPath(digest);
    if (target === null) throw new Error("A digest is 64 lower-case hexadecimal digits");
    // A blob's age counts from its commit, not from its last written byte.
    file.touch(new Date());
    // Both are waited for: the file must not be closed under a sync that is under way.
    const prepared = await Promise.allSettled([file.sync(), folders.ensure(digest)]);
    file.close();
    for (const step of prepared) if (step.status === "rejected") throw step.reason;
    await linkBlob({ path, digest, target, size, replaces }, folders);
    await syncDirectory(dirname(target));
  }

  return {
    writable: sink.writable,
    path,
    async commit(digest, size, { replaces = false } = {}) {
      if (commitment !== null || discarded) throw new Error("The staged bytes were committed or discarded before");
      commitment = makeDurable(digest, size, replaces);
      try {
        await commitment;
      } catch (error) {
        throw asStorageError(error);
      } finally {
        // Also after a failure: what a failed sync left in the file is unknown, so that it must not be tried again.
        await remove().catch(() => undefined);
      }
    },
    async discard() {
      discarded = true;
      await commitment?.catch(() => undefined);
      await remove();
    },
  };
}

interface Linking {
  path: string;
  digest: Digest;
  target: string;
  size: number;
  replaces: boolean;
}

/**
 * Gives the temporary file its name as a blob. `link` and not `rename`, which would replace a blob silently.
 * What is there already stays, and its age starts anew; only what is damaged, since it has another size or the caller knows, is replaced,
 * in one step: at no moment is the name without bytes, and what another commit puts there meanwhile are the same bytes.
 */
async function linkBlob({ path, digest, target, size, replaces }: Linking, folders: BlobFolders): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await link(path, target);
      return;
    } catch (error) {
      if (hasCode(error, "ENOENT") && tries === 1) {
        folders.forget(digest);
        await folders.ensure(digest);
        continue;
      }
      if (!hasCode(error, "EEXIST")) throw error;
    }
    const found = replaces ? "damaged" : await touchBlob(target, size);
    if (found === "damaged") await rename(path, target);
    if (found !== "missing") return;
    if (tries === MAX_LINK_TRIES) throw new Error("A blob appears and disappears while it is committed");
  }
}

/** Starts the age of a blob anew, unless it was deleted meanwhile, or has another size. */
async function touchBlob(target: string, size: number): Promise<"touched" | "damaged" | "missing"> {
  try {
    if ((await stat(target)).size !== size) return "damaged";
    const now = new Date();
    await utimes(target, now, now);
    return "touched";
  } catch (error) {
    if (hasCode(error, "ENOENT")) return "missing";
    throw error;
  }
}

/** Closes `file` by way of its stream, which may still be writing, or directly when the stream has let go of it. */
async function closeSink(writable: Writable, file: Descriptor): Promise<void> {
  if (!writable.closed) {
    const closed = new Promise((resolve) => writable.once("close", resolve));
    writable.destroy();
    await closed;
  }
  file.close();
}
