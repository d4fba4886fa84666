import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";

const blockBytes = 8 * 1024 * 1024;
const name = Buffer.from("payload.bin");

/** Writes a zip with one stored file of incompressible bytes; never more than a block of it is in memory. */
export async function writeStoredZip(path: string, payloadBytes: number): Promise<void> {
  const block = randomBytes(blockBytes);
  let crc = 0;
  for (const piece of pieces(block, payloadBytes)) crc = crc32(piece, crc);
  const facts = Buffer.alloc(12);
  facts.writeUInt32LE(crc, 0);
  facts.writeUInt32LE(payloadBytes, 4);
  facts.writeUInt32LE(payloadBytes, 8);
  await pipeline(Readable.from(parts(block, facts, payloadBytes), { objectMode: false }), createWriteStream(path));
}

function* parts(block: Buffer, facts: Buffer, payloadBytes: number): Generator<Buffer> {
  const local = localHeader(facts);
  yield local;
  yield* pieces(block, payloadBytes);
  const directory = directoryRecord(facts);
  yield directory;
  yield endRecord(directory.length, local.length + payloadBytes);
}

function* pieces(block: Buffer, total: number): Generator<Buffer> {
  for (let left = total; left > 0; left -= block.length) yield block.subarray(0, Math.min(left, block.length));
}

/** Version needed 2.0, no flags, stored, 2025-01-01, then CRC and sizes, length of the name, no extra field. */
function localHeader(facts: Buffer): Buffer {
  return Buffer.concat([Buffer.from("504b03041400000000000000215a", "hex"), facts, shorts(name.length, 0), name]);
}

function directoryRecord(facts: Buffer): Buffer {
  const head = Buffer.from("504b010214031400000000000000215a", "hex");
  const attributes = Buffer.alloc(8);
  attributes.writeUInt32LE((0o100644 << 16) >>> 0, 0);
  return Buffer.concat([head, facts, shorts(name.length, 0, 0, 0, 0), attributes, name]);
}

function endRecord(directoryBytes: number, directoryStart: number): Buffer {
  const end = Buffer.alloc(8);
  end.writeUInt32LE(directoryBytes, 0);
  end.writeUInt32LE(directoryStart, 4);
  return Buffer.concat([Buffer.from("504b0506", "hex"), shorts(0, 0, 1, 1), end, shorts(0)]);
}

function shorts(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt16LE(value, 2 * at);
  return bytes;
}
