import type { Readable, Writable } from "node:stream";

/** SHA-256 of a blob's bytes: 64 lower-case hexadecimal digits. It is the blob's only name. */
export type Digest = string;

/** A run of bytes, both ends included, counted from 0. */
export interface ByteRange {
  start: number;
  end: number;
}

/** A blob that is open for reading. */
export interface OpenBlob {
  /** Size of the whole blob in bytes, also when only a range is read. */
  size: number;
  /**
   * The bytes. Whoever opened the blob must consume or destroy the stream. One that never ends cleanly before or after so many
   * bytes may say so (`exactBytes`): then nobody counts them again on their way out.
   */
  body: Readable & { readonly exactBytes?: number };
}

/** How bytes are committed. */
export interface CommitOptions {
  /** They take the place of bytes of the same size too, in one step: for those that are known to be damaged. */
  replaces?: boolean;
}

/** Bytes on their way in: written once, inspected, then committed or discarded. Nothing shows before `commit`. */
export interface StagedBlob {
  /** Takes the bytes; ended by the writer. */
  readonly writable: Writable;
  /** A local file that holds what was written, complete once `writable` has finished. */
  readonly path: string;
  /**
   * Makes the bytes durable under their digest. When it resolves, they survive loss of power.
   * The caller has computed digest and size while writing; a storage may check them and reject.
   * A blob that is there already stays as it is, and its age starts anew. Bytes of another size under the digest are damaged, and with
   * `replaces` those of the same size are too: the new ones take their place in one step, so that bytes which another commit has put
   * there are never missing. Whoever wraps `commit` passes on all that it is given.
   */
  commit(digest: Digest, size: number, options?: CommitOptions): Promise<void>;
  /** Forgets the bytes and removes every trace of them. Does nothing after `commit`. */
  discard(): Promise<void>;
}

/** One stored blob, as listed. */
export interface StoredBlob {
  digest: Digest;
  size: number;
  /** When the blob was last committed, in milliseconds since 1970. */
  touchedAt: number;
}

/**
 * Keeps archives by the digest of their bytes. Every method rejects when the storage itself fails: with `insufficient_storage`
 * when there is no room, with any other error for an outage, which callers of the registry see as `unavailable`.
 */
export interface BlobStorage {
  /**
   * Opens a place for new bytes.
   * @param expectedSize bytes to come, when the sender promised a number; a storage without room for them rejects with `insufficient_storage`
   */
  stage(expectedSize?: number): Promise<StagedBlob>;
  /**
   * Opens a blob, or the given run of its bytes (which must lie inside it).
   * Resolves to null when there is no such blob: that is known before it resolves, never later as a broken stream.
   */
  open(digest: Digest, range?: ByteRange): Promise<OpenBlob | null>;
  /**
   * The bytes of a blob of `size` bytes, perhaps from memory; they are shared, so nobody may change them. Null where `open` is to be
   * asked: when the storage rather streams a blob of that size, or when there is none. Rejects when it finds the blob damaged, so that
   * no part of it is served either. Whoever wraps `open` wraps this as well.
   */
  readSmall?(digest: Digest, size: number): Promise<Buffer | null>;
  /** Size of a blob in bytes, or null when there is none. */
  stat(digest: Digest): Promise<{ size: number } | null>;
  /** Removes a blob. Removing nothing succeeds; readers that have it open finish undisturbed. */
  delete(digest: Digest): Promise<void>;
  /**
   * Lists blobs in ascending order of their digests.
   * @param after list only digests greater than this one
   * @param limit at most this many; an answer with fewer is the last page
   */
  list(after: Digest | null, limit: number): Promise<StoredBlob[]>;
  /** Removes staged bytes that nobody will finish (a crash left them). The number of pieces removed. */
  sweepStaged(olderThanMs: number): Promise<number>;
  /** An address that serves the blob by itself for a while. Left out: the registry streams. */
  signedUrl?(digest: Digest, options: { expiresInMs: number; fileName: string }): Promise<string>;
  /**
   * Path at which the proxy in front of the registry serves the blob by itself, to those whom the registry lets through
   * (`X-Accel-Redirect`). Left out: the registry sends the bytes.
   */
  internalPath?(digest: Digest): string;
  /** Bytes that new archives may still take. Left out: there is no bound that anybody knows. */
  freeBytes?(): Promise<number>;
}
