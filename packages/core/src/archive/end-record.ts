import type { ByteReader } from "./byte-reader.ts";
import { refusal } from "./findings.ts";
import { readSafeInteger } from "./numbers.ts";

/** Where the central directory lies and how many entries it lists. */
export interface EndRecord {
  entries: number;
  directoryStart: number;
  /** First byte behind the directory. */
  directoryEnd: number;
}

interface PlainFields {
  thisDisk: number;
  directoryDisk: number;
  entriesHere: number;
  entries: number;
  size: number;
  offset: number;
}

const endSignature = Buffer.from("PK\x05\x06", "latin1");
const endBytes = 22;
const locatorBytes = 20;
const zip64Bytes = 56;

/**
 * Reads the one end record of an archive and, where there is one, the zip64 record it stands for.
 * Every reader must come to the same record, whether it searches from the back or from the front.
 * @throws invalid_archive
 */
export async function readEndRecord(reader: ByteReader): Promise<EndRecord> {
  const { size } = reader;
  const head = await reader.view(0, Math.min(4, size));
  const looksLikeZip = head.length >= 2 && head.toString("latin1", 0, 2) === "PK";
  if (size < endBytes) throw refusal(looksLikeZip ? "truncated" : "not_a_zip");

  const tailStart = Math.max(0, size - endBytes - 0xffff - locatorBytes);
  const tail = Buffer.from(await reader.view(tailStart, size - tailStart));
  const at = findEndRecord(tail, looksLikeZip);
  const plain = readPlainFields(tail, at);
  const locatorAt = at - locatorBytes;
  const hasLocator = locatorAt >= 0 && tail.readUInt32LE(locatorAt) === 0x07064b50;
  return hasLocator
    ? readZip64(reader, { plain, locator: tail.subarray(locatorAt, at), locatorAt: tailStart + locatorAt })
    : readPlain(reader, plain, tailStart + at);
}

/** The last signature must be the record, its comment must reach the end of the file, and no earlier one may claim the same. */
function findEndRecord(tail: Buffer, looksLikeZip: boolean): number {
  const last = tail.lastIndexOf(endSignature);
  if (last < 0) throw refusal(looksLikeZip ? "truncated" : "not_a_zip");
  const covering: number[] = [];
  for (let at = tail.indexOf(endSignature); at >= 0; at = tail.indexOf(endSignature, at + 1)) {
    if (at + endBytes <= tail.length && at + endBytes + tail.readUInt16LE(at + 20) === tail.length) covering.push(at);
  }
  if (covering.length > 1 || (covering.length === 1 && covering[0] !== last)) throw refusal("several_end_records");
  if (covering.length === 1) return last;
  const cut = last + endBytes > tail.length || last + endBytes + tail.readUInt16LE(last + 20) > tail.length;
  throw refusal(cut ? "truncated" : "trailing_data");
}

function readPlainFields(tail: Buffer, at: number): PlainFields {
  return {
    thisDisk: tail.readUInt16LE(at + 4),
    directoryDisk: tail.readUInt16LE(at + 6),
    entriesHere: tail.readUInt16LE(at + 8),
    entries: tail.readUInt16LE(at + 10),
    size: tail.readUInt32LE(at + 12),
    offset: tail.readUInt32LE(at + 16),
  };
}

async function readPlain(reader: ByteReader, plain: PlainFields, endAt: number): Promise<EndRecord> {
  if (plain.entries === 0xffff || plain.size === 0xffffffff || plain.offset === 0xffffffff) throw refusal("bad_zip64");
  if (plain.thisDisk !== 0 || plain.directoryDisk !== 0) throw refusal("several_disks");
  if (plain.entriesHere !== plain.entries) throw refusal("bad_end_record");
  return checkExtent(reader, plain, endAt);
}

async function readZip64(
  reader: ByteReader,
  found: { plain: PlainFields; locator: Buffer; locatorAt: number },
): Promise<EndRecord> {
  const { plain, locator, locatorAt } = found;
  if (locator.readUInt32LE(4) !== 0 || locator.readUInt32LE(16) !== 1) throw refusal("several_disks");
  const recordAt = locatorAt - zip64Bytes;
  // Only the fixed form is taken: a longer one could hide bytes from readers that look for the record right here.
  if (recordAt < 0 || readSafeInteger(locator, 8) !== recordAt) throw refusal("bad_zip64");
  const record = await reader.view(recordAt, zip64Bytes);
  if (record.readUInt32LE(0) !== 0x06064b50 || readSafeInteger(record, 4) !== zip64Bytes - 12)
    throw refusal("bad_zip64");
  const full = {
    thisDisk: record.readUInt32LE(16),
    directoryDisk: record.readUInt32LE(20),
    entriesHere: readSafeInteger(record, 24),
    entries: readSafeInteger(record, 32),
    size: readSafeInteger(record, 40),
    offset: readSafeInteger(record, 48),
  };
  if (full.thisDisk !== 0 || full.directoryDisk !== 0) throw refusal("several_disks");
  if (full.entriesHere !== full.entries) throw refusal("bad_zip64");
  const agrees =
    agree(plain.thisDisk, full.thisDisk, 0xffff) &&
    agree(plain.directoryDisk, full.directoryDisk, 0xffff) &&
    agree(plain.entriesHere, full.entriesHere, 0xffff) &&
    agree(plain.entries, full.entries, 0xffff) &&
    agree(plain.size, full.size, 0xffffffff) &&
    agree(plain.offset, full.offset, 0xffffffff);
  if (!agrees) throw refusal("bad_zip64");
  return checkExtent(reader, full, recordAt);
}

function agree(plain: number, full: number, placeholder: number): boolean {
  return plain === full || plain === placeholder;
}

async function checkExtent(
  reader: ByteReader,
  fields: Pick<PlainFields, "entries" | "size" | "offset">,
  directoryEnd: number,
): Promise<EndRecord> {
  const { entries, size, offset } = fields;
  if (offset + size !== directoryEnd) {
    const shifted = directoryEnd - size;
    const isShifted = size >= 4 && shifted > offset && (await reader.view(shifted, 4)).readUInt32LE(0) === 0x02014b50;
    throw refusal(isShifted ? "data_before" : "bad_directory");
  }
  return { entries, directoryStart: offset, directoryEnd };
}
