import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import type { BlobStorage, ByteRange, Digest, StagedBlob } from "../ports/blob-storage.ts";

/** SHA-256 of `bytes`, as storages name them. */
export function digestOf(bytes: Uint8Array): Digest {
  return createHash("sha256").update(bytes).digest("hex");
}

/** `length` bytes that look random, the same for the same `seed`, and do not repeat within a block of any usual size. */
export function patternBytes(length: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = seed >>> 0 || 1;
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

/** Writes `bytes` into a stage in chunks of at most `chunkBytes` and ends it. */
export async function fillStage(staged: StagedBlob, bytes: Uint8Array, chunkBytes = 65_536): Promise<void> {
  const done = finished(staged.writable, { readable: false });
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const accepted = staged.writable.write(bytes.subarray(at, at + chunkBytes));
    if (!accepted) await Promise.race([new Promise((resolve) => staged.writable.once("drain", resolve)), done]);
  }
  staged.writable.end();
  await done;
}

/** Stages, commits (or discards, when that fails), and returns the digest of `bytes`. */
export async function storeBytes(storage: BlobStorage, bytes: Uint8Array): Promise<Digest> {
  const staged = await storage.stage(bytes.length);
  try {
    await fillStage(staged, bytes);
    const digest = digestOf(bytes);
    await staged.commit(digest, bytes.length);
    return digest;
  } finally {
    await staged.discard();
  }
}

/** The bytes of a blob or of a run of them, or null when there is no such blob. */
export async function readBlob(storage: BlobStorage, digest: Digest, range?: ByteRange): Promise<Buffer | null> {
  const blob = await storage.open(digest, range);
  return blob === null ? null : readAll(blob.body);
}

/** Everything a stream still holds. */
export function readAll(body: Readable): Promise<Buffer> {
  return buffer(body);
}
