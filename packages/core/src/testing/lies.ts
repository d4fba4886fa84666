import { type Readable, Transform } from "node:stream";
import type { BlobStorage, ByteRange, Digest, OpenBlob, StagedBlob } from "../ports/blob-storage.ts";

/**
 * What a storage may claim that is not so. `loses`: `commit` succeeds and nothing is stored. `hides`: `open` and `stat` find nothing.
 * `shortens`: what is read ends a byte early, as if that were all. `lengthens`: a byte too much is read. `damages`: one bit of what is read is wrong.
 * `keeps`: `delete` succeeds and the blob stays.
 */
export type StorageLie = "loses" | "hides" | "shortens" | "lengthens" | "damages" | "keeps";

/** Which lie, and about what. */
export interface LieOptions {
  lie: StorageLie;
  /** Which blobs it is told about (default: all). */
  about?: (digest: Digest) => boolean;
}

/**
 * A storage that does what `storage` does but for one lie, which it tells without any error: for tests of what notices, and when.
 * {@link faultyStorage} is for failures that show.
 */
export function lyingStorage(storage: BlobStorage, { lie, about = () => true }: LieOptions): BlobStorage {
  const lies = (kind: StorageLie, digest: Digest) => kind === lie && about(digest);
  // Everything is read through `open`, so that the lie is told to all who read.
  const { readSmall: _, ...streaming } = storage;

  async function open(digest: Digest, range?: ByteRange): Promise<OpenBlob | null> {
    if (lies("hides", digest)) return null;
    const blob = await storage.open(digest, range);
    if (blob === null || !about(digest)) return blob;
    return { ...blob, body: falsified(blob.body, lie) };
  }

  return {
    ...streaming,
    async stage(expectedSize) {
      const staged = await storage.stage(expectedSize);
      return lie === "loses" ? losing(staged, about) : staged;
    },
    open,
    stat: async (digest) => (lies("hides", digest) ? null : storage.stat(digest)),
    delete: async (digest) => (lies("keeps", digest) ? undefined : storage.delete(digest)),
  };
}

function losing(staged: StagedBlob, about: (digest: Digest) => boolean): StagedBlob {
  return {
    writable: staged.writable,
    path: staged.path,
    commit: (...given) => (about(given[0]) ? staged.discard() : staged.commit(...given)),
    discard: () => staged.discard(),
  };
}

const falsifications: { readonly [Lie in StorageLie]?: { bytes(chunk: Buffer): Buffer; end?: Buffer } } = {
  shortens: { bytes: (chunk) => chunk.subarray(0, -1) },
  lengthens: { bytes: (chunk) => chunk, end: Buffer.of(0) },
  damages: { bytes: (chunk) => Buffer.concat([chunk.subarray(0, -1), Buffer.of((chunk.at(-1) ?? 0) ^ 1)]) },
};

/** Changes the last chunk only, so that what came before looks right whatever is checked on the way. */
function falsified(body: Readable, lie: StorageLie): Readable {
  const falsification = falsifications[lie];
  if (falsification === undefined) return body;
  let last: Buffer = Buffer.alloc(0);
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const ready = last;
      last = chunk;
      done(null, ready);
    },
    flush(done) {
      done(null, Buffer.concat([falsification.bytes(last), falsification.end ?? Buffer.alloc(0)]));
    },
  });
  body.once("error", (error) => stream.destroy(error));
  stream.once("close", () => body.destroy());
  return body.pipe(stream);
}
