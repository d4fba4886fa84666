import { randomBytes, randomInt } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, crc32, deflateRawSync } from "node:zlib";

/** How the file in an archive is kept: incompressible bytes as they are, or words that deflate makes smaller. */
export type ZipMethod = "stored" | "deflated";

const blockBytes = 8 * 1024 * 1024;
const name = Buffer.from("payload.bin");

/** Writes a zip with one file of `payloadBytes`; never more than a block of it is in memory. */
export async function writeLargeZip(path: string, payloadBytes: number, method: ZipMethod = "stored"): Promise<void> {
  const block = method === "stored" ? randomBytes(blockBytes) : words(blockBytes);
  const payload = repeat(block, payloadBytes);
  const packed = method === "stored" ? payload : deflateAll(payload);
  const packedBytes = packed.reduce((sum, piece) => sum + piece.length, 0);
  const crc = payload.reduce((sum, piece) => crc32(piece, sum), 0);
  // What both headers say of the file: version needed 2.0, no flags, the method, 2025-01-01, check sum and sizes.
  const facts = Buffer.concat([
    shorts(20, 0, method === "stored" ? 0 : 8, 0, 0x5a21),
    longs(crc, packedBytes, payloadBytes),
  ]);
  const local = Buffer.concat([Buffer.from("504b0304", "hex"), facts, shorts(name.length, 0), name]);
  const directory = directoryRecord(facts);
  const end = endRecord(directory.length, local.length + packedBytes);
  await pipeline(Readable.from([local, ...packed, directory, end], { objectMode: false }), createWriteStream(path));
}

/** The block over and over, up to `total` bytes: the same memory each time. */
function repeat(block: Buffer, total: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let left = total; left > 0; left -= block.length) pieces.push(block.subarray(0, Math.min(left, block.length)));
  return pieces;
}

/** The pieces as one row of deflate's blocks: each but the last ends on a whole byte and needs nothing of those before. */
function deflateAll(pieces: readonly Buffer[]): Buffer[] {
  const [first = Buffer.alloc(0)] = pieces;
  const flushed = deflateRawSync(first, { finishFlush: constants.Z_FULL_FLUSH });
  return pieces.map((piece, at) => (at < pieces.length - 1 ? flushed : deflateRawSync(piece)));
}

/** Lines of words drawn from some thousands, which deflate to about a third. */
function words(bytes: number): Buffer {
  const known = Array.from({ length: 4096 }, () => randomBytes(randomInt(2, 6)).toString("hex"));
  const lines: string[] = [];
  for (let length = 0; length < bytes; ) {
    const line = `${Array.from({ length: 10 }, () => known[randomInt(known.length)]).join(" ")}\n`;
    lines.push(line);
    length += line.length;
  }
  return Buffer.from(lines.join("")).subarray(0, bytes);
}

function directoryRecord(facts: Buffer): Buffer {
  const rest = Buffer.concat([shorts(name.length, 0, 0, 0, 0), longs((0o100644 << 16) >>> 0, 0), name]);
  return Buffer.concat([Buffer.from("504b01021403", "hex"), facts, rest]);
}

function endRecord(directoryBytes: number, directoryStart: number): Buffer {
  return Buffer.concat([
    Buffer.from("504b0506", "hex"),
    shorts(0, 0, 1, 1),
    longs(directoryBytes, directoryStart),
    shorts(0),
  ]);
}

function shorts(...values: number[]): Buffer {
  return Buffer.concat(values.map((value) => Buffer.of(value & 0xff, value >> 8)));
}

function longs(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt32LE(value, 4 * at);
  return bytes;
}
