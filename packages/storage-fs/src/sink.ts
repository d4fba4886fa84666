import { Writable } from "node:stream";
import type { Descriptor } from "./descriptor.ts";
import { asStorageError } from "./full-disk.ts";

/** Bytes and chunks gathered before one write: large enough to save trips to the thread pool, small enough for memory. */
const FLUSH_BYTES = 1024 * 1024;
const FLUSH_CHUNKS = 1024;

/** A stream into an open file, and what is known about it. */
export interface FileSink {
  readonly writable: Writable;
  /** Bytes that are in the file. */
  readonly bytesWritten: number;
}

/**
 * Writes into `file` in pieces of about 1 MiB, one under way while the next is gathered; holds no more than those two.
 * Closes the file when it is destroyed, but leaves it open when it finished: it is still to be synced.
 */
export function fileSink(file: Descriptor): FileSink {
  let gathered: Buffer[] = [];
  let gatheredBytes = 0;
  let bytesWritten = 0;
  let flushing: Promise<void> = Promise.resolve();

  function flush(): Promise<void> {
    const chunks = gathered;
    const length = gatheredBytes;
    gathered = [];
    gatheredBytes = 0;
    return writeAll(file, chunks, length).then(() => {
      bytesWritten += length;
    });
  }

  /** Starts to write what is gathered, once the piece before is written. */
  async function flushNext(): Promise<void> {
    await flushing;
    flushing = flush();
    // Whoever awaits it next learns of a failure; until then it must not count as unhandled.
    flushing.catch(() => undefined);
  }

  const writable = new Writable({
    write(chunk: Buffer, _encoding, done) {
      gathered.push(chunk);
      gatheredBytes += chunk.length;
      if (gatheredBytes < FLUSH_BYTES && gathered.length < FLUSH_CHUNKS) return done();
      flushNext().then(
        () => done(),
        (error) => done(asStorageError(error)),
      );
    },
    final(done) {
      flushing.then(flush).then(
        () => done(),
        (error) => done(asStorageError(error)),
      );
    },
    destroy(error, done) {
      if (writable.writableFinished) return done(error);
      gathered = [];
      // The descriptor must not be closed, and perhaps given to another file, under a write that is under way.
      flushing
        .catch(() => undefined)
        .then(() => file.close())
        .then(
          () => done(error),
          (failure) => done(error ?? failure),
        );
    },
  });
  // Whoever writes hears of errors through the callback or a pipeline; without any listener they would end the process.
  writable.on("error", () => undefined);

  return {
    writable,
    get bytesWritten() {
      return bytesWritten;
    },
  };
}

/** Writes every byte, also when the system takes them in parts: only then does it say what is wrong. */
async function writeAll(file: Descriptor, chunks: Buffer[], length: number): Promise<void> {
  let left = chunks;
  for (let missing = length; missing > 0; ) {
    const bytesWritten = await file.write(left);
    if (bytesWritten === 0) throw new Error("The file system takes no more bytes");
    missing -= bytesWritten;
    if (missing > 0) left = [Buffer.concat(left).subarray(bytesWritten)];
  }
}
