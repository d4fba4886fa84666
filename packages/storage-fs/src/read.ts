import { hash } from "node:crypto";
import { Readable } from "node:stream";
import { type ByteRange, type Digest, type OpenBlob, RegistryError } from "@serverless-registry/core";
import { type Descriptor, openDescriptor } from "./descriptor.ts";
import { FileRun, fill, type Run, requireDigest } from "./file-run.ts";
import { hasCode } from "./full-disk.ts";

/** Up to here a run is read at once, and no file stays open. */
export const SINGLE_READ_BYTES = 256 * 1024;

/** What to read: a run of bytes, or all of them, which then must have this digest. */
export type Wanted = { range: ByteRange; digest?: undefined } | { range?: undefined; digest: string };

/**
 * Opens a file for reading; null when there is none. A whole file that does not have its digest is never read to a clean end.
 * @throws range_not_satisfiable `range` does not lie inside the file
 */
export async function openFile(path: string, { range, digest }: Wanted): Promise<OpenBlob | null> {
  const file = await openIfThere(path);
  if (file === null) return null;
  let streaming = false;
  try {
    const size = file.size();
    const run = runInside(size, range);
    if (run.length <= SINGLE_READ_BYTES) {
      const bytes = await readRun(file, run);
      if (digest !== undefined) requireDigest(hash("sha256", bytes), digest);
      return { size, body: streamOf(bytes) };
    }
    streaming = true;
    return { size, body: new FileRun(file, run, digest) };
  } finally {
    if (!streaming) file.close();
  }
}

/** The bytes of a small blob; null when there is none or it is large. Rejects when they are not those that were stored. */
export async function readSmallFile(path: string, digest: Digest): Promise<Buffer | null> {
  const file = await openIfThere(path);
  if (file === null) return null;
  try {
    const length = file.size();
    if (length > SINGLE_READ_BYTES) return null;
    const bytes = await readRun(file, { position: 0, length });
    requireDigest(hash("sha256", bytes), digest);
    return bytes;
  } finally {
    file.close();
  }
}

async function openIfThere(path: string): Promise<Descriptor | null> {
  try {
    return await openDescriptor(path, "r");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
}

function runInside(size: number, range?: ByteRange): Run {
  if (!range) return { position: 0, length: size };
  const { start, end } = range;
  if (!(start >= 0 && start <= end && end < size)) {
    throw new RegistryError("range_not_satisfiable", { details: { size } });
  }
  return { position: start, length: end - start + 1 };
}

async function readRun(file: Descriptor, { position, length }: Run): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  await fill(file, bytes, position);
  return bytes;
}

function streamOf(bytes: Buffer): Readable {
  return new Readable({
    highWaterMark: SINGLE_READ_BYTES,
    read() {
      if (bytes.length > 0) this.push(bytes);
      this.push(null);
    },
  });
}
