import { crc32, createInflateRaw, inflateRawSync } from "node:zlib";
import type { CentralRecord, Inspecting } from "./central-directory.ts";
import { refusal } from "./findings.ts";

/** Takes an entry's unpacked bytes, piece by piece. A piece is valid during the call only. */
export type ByteSink = (bytes: Buffer) => void;

/** Below these sizes unpacking at once is quicker than a stream, and still too short to hold up the process. */
const atOncePackedBytes = 64 * 1024;
const atOnceUnpackedBytes = 512 * 1024;

/**
 * Unpacks one entry without keeping it, and holds it to its declared size and checksum. Stops at the first byte too many.
 * @param position where the entry's data begins
 * @throws invalid_archive
 */
export async function readEntryData(
  inspecting: Inspecting,
  entry: { record: CentralRecord; position: number },
  sink: ByteSink,
): Promise<void> {
  const { record, position } = entry;
  let checksum = 0;
  let count = 0;
  function take(bytes: Buffer): void {
    count += bytes.length;
    if (count > record.unpackedBytes) throw refusal("wrong_size", record.name);
    checksum = crc32(bytes, checksum);
    sink(bytes);
  }

  if (record.method === 0) {
    await readPieces(inspecting, { position, length: record.packedBytes }, take);
  } else if (record.packedBytes <= atOncePackedBytes && record.unpackedBytes <= atOnceUnpackedBytes) {
    inflateAtOnce(await inspecting.reader.view(position, record.packedBytes), record, take);
  } else {
    await inflateStream(inspecting, entry, take);
  }
  if (count !== record.unpackedBytes) throw refusal("wrong_size", record.name);
  if (checksum !== record.crc32) throw refusal("wrong_crc", record.name);
}

async function readPieces(
  { reader, time }: Inspecting,
  extent: { position: number; length: number },
  take: (bytes: Buffer) => void | Promise<void>,
): Promise<void> {
  const end = extent.position + extent.length;
  for (let at = extent.position; at < end; ) {
    const piece = await reader.slice(at, end - at);
    await take(piece);
    at += piece.length;
    await time.step();
  }
}

function inflateAtOnce(packed: Buffer, record: CentralRecord, take: ByteSink): void {
  let inflated: { buffer: Buffer; engine: { bytesWritten: number } };
  try {
    const maxOutputLength = Math.max(record.unpackedBytes, 1);
    // With `info` the answer also tells how much of the input was used, which the types do not know.
    inflated = inflateRawSync(packed, { maxOutputLength, info: true }) as unknown as typeof inflated;
  } catch (error) {
    throw inflateFailure(error, record.name);
  }
  if (inflated.engine.bytesWritten !== packed.length) throw refusal("excess_data", record.name);
  take(inflated.buffer);
}

async function inflateStream(
  inspecting: Inspecting,
  entry: { record: CentralRecord; position: number },
  take: ByteSink,
): Promise<void> {
  const { record, position } = entry;
  const inflate = createInflateRaw({ chunkSize: 64 * 1024 });
  const { promise: over, resolve, reject } = Promise.withResolvers<void>();
  let ended = false;
  inflate.on("data", (bytes: Buffer) => {
    try {
      take(bytes);
      inspecting.time.check();
    } catch (error) {
      reject(error);
      inflate.destroy();
    }
  });
  inflate.on("error", (error) => reject(inflateFailure(error, record.name)));
  inflate.on("end", () => {
    ended = true;
    resolve();
  });
  // Whoever waits for it sees the failure; without this, one that comes between two waits would count as unhandled.
  over.catch(() => undefined);
  try {
    await readPieces(inspecting, { position, length: record.packedBytes }, async (piece) => {
      if (ended) throw refusal("excess_data", record.name);
      await Promise.race([new Promise<void>((written) => inflate.write(piece, () => written())), over]);
    });
    inflate.end();
    await over;
  } finally {
    inflate.destroy();
  }
  if (inflate.bytesWritten !== record.packedBytes) throw refusal("excess_data", record.name);
}

/** Tells hostile data from trouble of our own, such as too little memory. */
function inflateFailure(error: unknown, name: string): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ERR_BUFFER_TOO_LARGE") return refusal("wrong_size", name);
  if (code === "Z_DATA_ERROR" || code === "Z_BUF_ERROR" || code === "Z_NEED_DICT") return refusal("corrupt_data", name);
  return error;
}
