import { pipeline, type Readable, Transform } from "node:stream";

const bufferedBytes = 256 * 1024;

/**
 * Passes on what `body` holds, and fails where it would end before so many bytes or go on after them. Their number was promised
 * already: a reader of too few waits for the rest, and what is too much looks like the next answer on the same connection.
 */
export function exactLength(body: Readable, bytes: number): Readable {
  let left = bytes;
  const passed = new Transform({
    highWaterMark: bufferedBytes,
    transform(chunk: Buffer, _encoding, done) {
      left -= chunk.length;
      if (left < 0) done(new Error("The storage sent more bytes than the blob has"));
      else done(null, chunk);
    },
    flush(done) {
      done(left === 0 ? null : new Error("The storage sent fewer bytes than the blob has"));
    },
  });
  pipeline(body, passed, () => undefined);
  return passed;
}
