import { createHash, hash } from "node:crypto";
import { Readable } from "node:stream";
import { type ByteRange, type Digest, type OpenBlob, RegistryError } from "@serverless-registry/core";
import { type Descriptor, openDescriptor } from "./descriptor.ts";
import { hasCode } from "./full-disk.ts";

/** Up to here a run is read at once, and no file stays open. */
export const SINGLE_READ_BYTES = 256 * 1024;
const CHUNK_BYTES = 256 * 1024;

/** A run of bytes of a file. */
interface Run {
  position: number;
  length: number;
}

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
    return { size, body: streamRun(file, run, digest) };
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

function requireDigest(found: string, digest: string): void {
  if (found !== digest) throw new Error("A stored blob is damaged: its bytes have another digest");
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

/** Reads a run completely, or rejects: fewer bytes than promised must never look like the end. */
async function readRun(file: Descriptor, run: Run): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(run.length);
  for (let done = 0; done < run.length; ) {
    const bytesRead = await file.read(bytes, done, run.position + done);
    if (bytesRead === 0) throw new Error("A stored blob became shorter while it was read");
    done += bytesRead;
  }
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

/** Streams a run in large chunks; closes the file when the stream has ended or was destroyed. */
function streamRun(file: Descriptor, run: Run, digest: string | undefined): Readable {
  const hashed = digest === undefined ? null : createHash("sha256");
  let { position, length: left } = run;
  let reading: Promise<void> = Promise.resolve();

  async function pushNext(body: Readable): Promise<void> {
    const length = Math.min(left, CHUNK_BYTES);
    const bytes = await readRun(file, { position, length });
    position += length;
    left -= length;
    hashed?.update(bytes);
    // Before the last bytes: who has as many as were promised takes them for complete.
    if (left === 0 && digest !== undefined) requireDigest(hashed?.digest("hex") ?? "", digest);
    body.push(bytes);
    if (left === 0) body.push(null);
  }

  return new Readable({
    highWaterMark: CHUNK_BYTES,
    read() {
      reading = pushNext(this).catch((error: Error) => void this.destroy(error));
    },
    destroy(error, done) {
      // The descriptor must not be closed, and perhaps given to another file, under a read that is under way.
      reading
        .then(() => file.close())
        .then(
          () => done(error),
          (failure) => done(error ?? failure),
        );
    },
  });
}
