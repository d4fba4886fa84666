import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { RegistryError } from "../errors.ts";
import type { BlobStorage, ByteRange, StagedBlob } from "../ports/blob-storage.ts";
import { type Clock, systemClock } from "../ports/clock.ts";

interface Blob {
  bytes: Buffer;
  touchedAt: number;
}

const CHUNK_BYTES = 64 * 1024;

/**
 * Keeps blobs in this process's memory: for tests, examples and throw-away registries. Nothing survives the process, and
 * every archive occupies memory for as long as it is stored. Bytes that are not committed yet lie in a file of the system's
 * folder for temporary files, because they are inspected there. `commit` checks size and digest.
 */
export function memoryStorage(options: { clock?: Clock } = {}): BlobStorage {
  const { clock = systemClock } = options;
  const blobs = new Map<string, Blob>();
  const staged = new Map<StagedBlob, number>();

  function stage(): StagedBlob {
    const path = join(tmpdir(), `registry-staged-${randomUUID()}`);
    const writable = createWriteStream(path, { flags: "wx", mode: 0o600 });
    // Without a listener a failed write would end the process; whoever writes sees it anyway.
    writable.on("error", () => undefined);
    const piece: StagedBlob = {
      writable,
      path,
      async commit(digest, size) {
        if (!writable.writableFinished) throw new Error("The staged bytes are not complete");
        if (!staged.has(piece)) throw new Error("The staged bytes were committed, discarded or swept before");
        const bytes = await readFile(path);
        const found = createHash("sha256").update(bytes).digest("hex");
        if (bytes.length !== size || found !== digest) {
          throw new Error(`Staged ${bytes.length} bytes with digest ${found}, asked to commit ${size} as ${digest}`);
        }
        blobs.set(digest, { bytes, touchedAt: clock.now() });
        await forget(piece);
      },
      discard: () => forget(piece),
    };
    staged.set(piece, clock.now());
    return piece;
  }

  async function forget(piece: StagedBlob): Promise<void> {
    if (!staged.delete(piece)) return;
    if (!piece.writable.closed) {
      const closed = new Promise((resolve) => piece.writable.once("close", resolve));
      piece.writable.destroy();
      await closed;
    }
    await rm(piece.path, { force: true });
  }

  return {
    async stage() {
      return stage();
    },
    async open(digest, range) {
      const blob = blobs.get(digest);
      return blob ? { size: blob.bytes.length, body: readableOf(blob.bytes, range) } : null;
    },
    async stat(digest) {
      const blob = blobs.get(digest);
      return blob ? { size: blob.bytes.length } : null;
    },
    async delete(digest) {
      blobs.delete(digest);
    },
    async list(after, limit) {
      const digests = [...blobs.keys()].filter((digest) => after === null || digest > after).sort();
      return digests.slice(0, limit).flatMap((digest) => {
        const blob = blobs.get(digest);
        return blob ? [{ digest, size: blob.bytes.length, touchedAt: blob.touchedAt }] : [];
      });
    },
    async sweepStaged(olderThanMs) {
      const abandoned = [...staged]
        .filter(([, begunAt]) => clock.now() - begunAt > olderThanMs)
        .map(([piece]) => piece);
      await Promise.all(abandoned.map(forget));
      return abandoned.length;
    },
  };
}

/** @throws range_not_satisfiable the run does not lie inside the bytes */
function readableOf(bytes: Buffer, range?: ByteRange): Readable {
  const { start, end } = range ?? { start: 0, end: bytes.length - 1 };
  if (range && !(start >= 0 && start <= end && end < bytes.length)) {
    throw new RegistryError("range_not_satisfiable", { details: { size: bytes.length } });
  }
  function* chunks(): Generator<Buffer> {
    for (let at = start; at <= end; at += CHUNK_BYTES) {
      // A copy: what a reader does to its chunk must not change the blob.
      yield Buffer.from(bytes.subarray(at, Math.min(at + CHUNK_BYTES, end + 1)));
    }
  }
  return Readable.from(chunks(), { objectMode: false });
}
