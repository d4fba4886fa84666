import { createHash } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Where bytes go, and who follows them. */
export interface Passing {
  /** Left out: nowhere, they are only counted. */
  into?: Writable;
  signal: AbortSignal | undefined;
  onBytes?(bytes: number): void;
}

/** Lets a stream pass to its end; digest and number of its bytes. */
export async function pass(
  body: Readable,
  { into, signal, onBytes }: Passing,
): Promise<{ digest: string; size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  async function* counted(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      hash.update(chunk);
      size += chunk.length;
      onBytes?.(chunk.length);
      yield chunk;
    }
  }
  async function drain(source: AsyncIterable<Buffer>): Promise<void> {
    for await (const _ of source);
  }
  const options = signal === undefined ? {} : { signal };
  if (into === undefined) await pipeline(body, counted, drain, options);
  else await pipeline(body, counted, into, options);
  return { digest: hash.digest("hex"), size };
}
