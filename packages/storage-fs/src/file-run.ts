import { createHash, type Hash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { Descriptor } from "./descriptor.ts";

const CHUNK_BYTES = 256 * 1024;

/** Not imported: Node would load its `fetch` for that, since `node:http` exports parts of it. That takes 2 to 6 MiB. */
const http = process.getBuiltinModule("node:http");

/** A run of bytes of a file. */
export interface Run {
  position: number;
  length: number;
}

/**
 * The bytes of a run of an open file, which it closes at its end or when it is destroyed. It yields all of them or fails, and with a
 * `digest` fails before the last of bytes that have another one.
 *
 * Who reads it gets new memory for each piece. Piped straight into an answer of `node:http`, all pieces go through the same memory, the
 * next when the system has taken the one before: new memory for each costs more than reading, hashing and sending it. As soon as
 * somebody else reads as well, the answer is one reader of several, as of any stream.
 */
export class FileRun extends Readable {
  /** How many bytes come before a clean end. */
  readonly exactBytes: number;
  readonly #file: Descriptor;
  readonly #digest: string | undefined;
  readonly #hash: Hash | null;
  #position: number;
  #left: number;
  #reading: Promise<unknown> = Promise.resolve();
  /** Whether the bytes go straight into an answer, and whether somebody has asked for them since. */
  #isSending = false;
  #isAsked = false;

  constructor(file: Descriptor, { position, length }: Run, digest: string | undefined) {
    super({ highWaterMark: CHUNK_BYTES });
    this.exactBytes = length;
    this.#file = file;
    this.#digest = digest;
    this.#hash = digest === undefined ? null : createHash("sha256");
    this.#position = position;
    this.#left = length;
  }

  override _read(): void {
    if (this.#isSending) {
      this.#isAsked = true;
      return;
    }
    const bytes = Buffer.allocUnsafeSlow(Math.min(this.#left, CHUNK_BYTES));
    this.#fill(bytes).then(
      () => this.#give(bytes),
      (error: Error) => this.destroy(error),
    );
  }

  #give(bytes: Buffer): void {
    this.push(bytes);
    if (this.#left === 0) this.push(null);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // The descriptor must not be closed, and perhaps given to another file, under a read that is under way.
    this.#reading
      .catch(() => undefined)
      .then(() => this.#file.close())
      .then(
        () => done(error),
        (failure) => done(error ?? failure),
      );
  }

  override pipe<T extends NodeJS.WritableStream>(destination: T, options?: { end?: boolean }): T {
    // What a host has put in place of `write` may keep the bytes, or never say that they are sent.
    const isPlain =
      destination instanceof http.ServerResponse && destination.write === http.ServerResponse.prototype.write;
    if (!isPlain || this.#isSending || this.readableFlowing !== null) return super.pipe(destination, options);
    this.#isSending = true;
    this.#sendTo(destination, options).catch((error: Error) => this.destroy(error));
    return destination;
  }

  async #sendTo(response: ServerResponse, options?: { end?: boolean }): Promise<void> {
    const end = () => response.end();
    if (options?.end !== false) this.once("end", end);
    const memory = Buffer.allocUnsafeSlow(Math.min(this.#left, CHUNK_BYTES));
    while (this.#left > 0) {
      // Destroyed while the bytes before were sent: the descriptor is closed, and its number may be another file's.
      if (this.destroyed) return;
      const bytes = memory.subarray(0, Math.min(this.#left, CHUNK_BYTES));
      await this.#fill(bytes);
      if (this.destroyed) return;
      if (this.#isAsked) {
        this.#isSending = false;
        this.off("end", end);
        super.pipe(response, options);
        return this.#give(bytes);
      }
      // A client that has left is no failure of the file's.
      if (!(await isSent(response, bytes))) return void this.destroy();
    }
    this.push(null);
    this.resume();
  }

  /** Reads the next bytes, all of them; rejects when they are not there: fewer than promised must never look like the end. */
  async #fill(bytes: Buffer): Promise<void> {
    const reading = fill(this.#file, bytes, this.#position);
    this.#reading = reading;
    await reading;
    this.#position += bytes.length;
    this.#left -= bytes.length;
    this.#hash?.update(bytes);
    // Before the last bytes: who has as many as were promised takes them for complete.
    if (this.#left === 0 && this.#digest !== undefined) requireDigest(this.#hash?.digest("hex") ?? "", this.#digest);
  }
}

/** Fills memory with what a file has from `position` on. Rejects when that is less. */
export async function fill(file: Descriptor, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const bytesRead = await file.read(bytes, done, position + done);
    if (bytesRead === 0) throw new Error("A stored blob became shorter while it was read");
    done += bytesRead;
  }
}

/** @throws Error for bytes that are not those that were stored */
export function requireDigest(found: string, digest: string): void {
  if (found !== digest) throw new Error("A stored blob is damaged: its bytes have another digest");
}

/** Resolves when nobody needs the bytes any more: to false when they could not be sent. */
function isSent(response: ServerResponse, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    response.write(bytes, (error) => resolve(!error));
  });
}
