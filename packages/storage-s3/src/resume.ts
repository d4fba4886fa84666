import { createHash } from "node:crypto";
import { finished, Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

/** What a {@link continuedStream} is made of. */
export interface Continuation {
  first: Readable;
  /** Bytes to come in all. */
  length: number;
  /** SHA-256 that they must have, or null when it is not known. */
  digest: string | null;
  /** Opens the rest from a position on; null when it is not there any more. */
  continueAt(position: number): Promise<Readable | null>;
}

const bufferBytes = 16 * 1024;
/** How often in a row the stream may break without a single byte more. */
const maxBreaks = 3;
const firstPauseMs = 50;

/**
 * A stream that goes on where it broke off. It ends cleanly after exactly `length` bytes with the right digest; anything else
 * is an error, so that nobody takes a part for the whole. A break is mended when somebody wants to read on, not before.
 */
export function continuedStream({ first, length, digest, continueAt }: Continuation): Readable {
  const hash = digest === null ? null : createHash("sha256");
  let source: Readable | null = null;
  let position = 0;
  let breaks = 0;
  let isWanted = false;
  let isReopening = false;
  let lastError: Error | null = null;

  const body = new Readable({
    highWaterMark: bufferBytes,
    read() {
      isWanted = true;
      if (source !== null) source.resume();
      else reopen();
    },
    destroy(error, done) {
      source?.destroy();
      done(error);
    },
  });

  function take(chunk: Buffer): void {
    position += chunk.length;
    breaks = 0;
    if (position > length) return void body.destroy(new Error("The store sent more bytes than it promised"));
    hash?.update(chunk);
    // Before the last bytes are handed on: who has as many as were promised takes them for complete.
    if (position === length && hash !== null && hash.digest("hex") !== digest) {
      return void body.destroy(damaged());
    }
    if (body.push(chunk)) return;
    isWanted = false;
    source?.pause();
  }

  function attach(next: Readable): void {
    source = next;
    next.on("data", take);
    finished(next, { writable: false }, (error) => settle(next, error ?? null));
    if (!isWanted) next.pause();
  }

  function settle(ended: Readable, error: Error | null): void {
    if (source !== ended || body.destroyed) return;
    source = null;
    lastError = error ?? new Error(`The store ended after ${position} of ${length} bytes`);
    if (position < length) {
      ended.destroy();
      if (isWanted) reopen();
      return;
    }
    if (error !== null) return void body.destroy(error);
    if (length === 0 && hash !== null && hash.digest("hex") !== digest) return void body.destroy(damaged());
    body.push(null);
  }

  function reopen(): void {
    if (isReopening || body.destroyed || position >= length) return;
    breaks += 1;
    if (breaks > maxBreaks) return void body.destroy(lastError ?? undefined);
    isReopening = true;
    delay(firstPauseMs * 2 ** (breaks - 1))
      .then(() => (body.destroyed ? null : continueAt(position)))
      .then((next) => {
        isReopening = false;
        if (next === null) return void body.destroy(lastError ?? undefined);
        if (body.destroyed) return void next.destroy();
        attach(next);
      })
      .catch((error: Error) => {
        isReopening = false;
        body.destroy(error);
      });
  }

  attach(first);
  return body;
}

function damaged(): Error {
  return new Error("A stored blob is damaged: its bytes have another digest");
}
