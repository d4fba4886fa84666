import { randomUUID } from "node:crypto";
import { join, resolve } from "node:path";
import type { Digest } from "@serverless-registry/core";

/** Where things lie. The only place where a path is made. */
export interface Layout {
  readonly root: string;
  /** Folder of the bytes on their way in. */
  readonly stages: string;
  readonly blobs: string;
  newStagePath(): string;
  /** Path of a blob, or null when `digest` is none: what a caller passes never becomes part of a path otherwise. */
  blobPath(digest: Digest): string | null;
  /** The same below the folder of blobs, with slashes. */
  blobName(digest: Digest): string | null;
}

const DIGEST = /^[0-9a-f]{64}$/;
const STAGE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The layout below `root`, which is fixed now: a later change of the working directory does not move it. */
export function layoutBelow(root: string): Layout {
  const absolute = resolve(root);
  const stages = join(absolute, "tmp");
  const blobs = join(absolute, "blobs");
  const blobName = (digest: Digest) =>
    isDigest(digest) ? `${digest.slice(0, 2)}/${digest.slice(2, 4)}/${digest}` : null;
  return {
    root: absolute,
    stages,
    blobs,
    newStagePath: () => join(stages, randomUUID()),
    blobName,
    blobPath(digest) {
      const name = blobName(digest);
      return name === null ? null : join(blobs, name);
    },
  };
}

/** Whether a name is that of a blob. */
export function isDigest(name: string): boolean {
  return DIGEST.test(name);
}

/** Whether a file in the folder of stages is one of ours. */
export function isStageName(name: string): boolean {
  return STAGE.test(name);
}
