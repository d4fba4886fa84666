import { crc32, deflateRawSync } from "node:zlib";
import { numbers } from "./raw-bytes.ts";

/** The numbers that local headers and central records both carry. */
interface HeaderFields {
  signature: number;
  flags: number;
  method: number;
  modified: number;
  crc32: number;
  packedBytes: number;
  unpackedBytes: number;
  rawName: Buffer;
  extra: Buffer;
}

/** What only a central record carries. */
interface CentralFields extends HeaderFields {
  comment: Buffer;
  commentLength: number;
  disk: number;
  externalAttributes: number;
  madeBy: number;
  offset: number;
}

/** One entry. What is not said is filled in honestly. */
export interface RawEntry {
  name?: string | Buffer;
  content?: string | Buffer;
  /** The data as it stands in the file, when it shall not be what `method` makes of `content`. */
  packed?: Buffer;
  method?: number;
  flags?: number;
  /** Unix mode: the upper half of the external attributes. */
  mode?: number;
  extra?: Buffer;
  local?: Partial<HeaderFields>;
  central?: Partial<CentralFields>;
  /** Bytes that stand in front of the local header. */
  before?: Buffer;
  /** Bytes that stand behind the data: a data descriptor, or worse. */
  after?: Buffer;
  /** Leaves out the local record, so that only the directory has the entry. */
  noLocal?: boolean;
  /** Leaves out the central record. */
  noCentral?: boolean;
}

/** The fields of the end record and of what surrounds it. */
interface RawEnd {
  disk: number;
  directoryDisk: number;
  entriesHere: number;
  entries: number;
  size: number;
  offset: number;
  comment: Buffer;
  commentLength: number;
  /** Bytes between the directory and the end record (or the zip64 record). */
  before: Buffer;
  /** Bytes behind the comment. */
  after: Buffer;
  /** Writes a zip64 record and locator; the plain fields become placeholders unless they are given. */
  zip64: Partial<RawZip64>;
}

/** The fields of the zip64 end record and its locator. */
interface RawZip64 {
  signature: number;
  recordSize: number;
  disk: number;
  directoryDisk: number;
  entriesHere: bigint;
  entries: bigint;
  size: bigint;
  offset: bigint;
  extensible: Buffer;
  locatorSignature: number;
  locatorDisk: number;
  locatorOffset: bigint;
  locatorDisks: number;
}

const none = Buffer.alloc(0);
const time = 0x5a210000;

/** A zip file with exactly these records, whether or not they make sense. */
export function rawZip(entries: readonly RawEntry[], end: Partial<RawEnd> = {}): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const before = entry.before ?? none;
    const fields = headerFields(entry);
    if (!entry.noCentral) centrals.push(centralRecord(entry, fields, offset + before.length));
    if (entry.noLocal) continue;
    const local = Buffer.concat([
      before,
      localHeader({ ...fields, ...entry.local }),
      packedData(entry),
      entry.after ?? none,
    ]);
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const before = end.before ?? none;
  const endAt = offset + directory.length + before.length;
  const honest = { entries: centrals.length, size: directory.length, offset };
  const zip64 = end.zip64 === undefined ? none : zip64Records(end.zip64, honest, endAt);
  return Buffer.concat([...locals, directory, before, zip64, endRecord(end, honest), end.after ?? none]);
}

function contentOf(entry: RawEntry): Buffer {
  return Buffer.from(entry.content ?? "content of the file, content of the file");
}

function packedData(entry: RawEntry): Buffer {
  return entry.packed ?? ((entry.method ?? 8) === 8 ? deflateRawSync(contentOf(entry)) : contentOf(entry));
}

function headerFields(entry: RawEntry): HeaderFields {
  return {
    signature: 0,
    flags: entry.flags ?? 0x800,
    method: entry.method ?? 8,
    modified: time,
    crc32: crc32(contentOf(entry)),
    packedBytes: packedData(entry).length,
    unpackedBytes: contentOf(entry).length,
    rawName: Buffer.from(entry.name ?? "file.txt"),
    extra: entry.extra ?? none,
  };
}

function localHeader(fields: HeaderFields): Buffer {
  const { rawName } = fields;
  const head = numbers([4, fields.signature || 0x04034b50], [2, 20], [2, fields.flags], [2, fields.method]);
  const sizes = numbers([4, fields.modified], [4, fields.crc32], [4, fields.packedBytes], [4, fields.unpackedBytes]);
  return Buffer.concat([head, sizes, numbers([2, rawName.length], [2, fields.extra.length]), rawName, fields.extra]);
}

function centralRecord(entry: RawEntry, shared: HeaderFields, offset: number): Buffer {
  const mode = entry.mode ?? 0o100644;
  const specific = { comment: none, disk: 0, externalAttributes: mode * 0x10000, madeBy: 0x031e, offset };
  const fields = { ...shared, ...specific, ...entry.central };
  const { rawName, comment } = fields;
  const head = numbers([4, fields.signature || 0x02014b50], [2, fields.madeBy], [2, 20], [2, fields.flags]);
  const sizes = numbers([2, fields.method], [4, fields.modified], [4, fields.crc32], [4, fields.packedBytes]);
  const lengths = numbers([4, fields.unpackedBytes], [2, rawName.length], [2, fields.extra.length]);
  const commentLength = entry.central?.commentLength ?? comment.length;
  const tail = numbers(
    [2, commentLength],
    [2, fields.disk],
    [2, 0],
    [4, fields.externalAttributes],
    [4, fields.offset],
  );
  return Buffer.concat([head, sizes, lengths, tail, rawName, fields.extra, comment]);
}

interface Honest {
  entries: number;
  size: number;
  offset: number;
}

function endRecord(end: Partial<RawEnd>, honest: Honest): Buffer {
  const isWide = end.zip64 !== undefined;
  const comment = end.comment ?? none;
  const count = isWide ? 0xffff : honest.entries;
  return Buffer.concat([
    numbers([4, 0x06054b50], [2, end.disk ?? 0], [2, end.directoryDisk ?? 0]),
    numbers([2, end.entriesHere ?? count], [2, end.entries ?? count]),
    numbers(
      [4, end.size ?? (isWide ? 0xffffffff : honest.size)],
      [4, end.offset ?? (isWide ? 0xffffffff : honest.offset)],
    ),
    numbers([2, end.commentLength ?? comment.length]),
    comment,
  ]);
}

function zip64Records(given: Partial<RawZip64>, honest: Honest, at: number): Buffer {
  const extensible = given.extensible ?? none;
  return Buffer.concat([
    numbers([4, given.signature ?? 0x06064b50], [8, given.recordSize ?? 44 + extensible.length], [2, 45], [2, 45]),
    numbers([4, given.disk ?? 0], [4, given.directoryDisk ?? 0]),
    numbers([8, given.entriesHere ?? honest.entries], [8, given.entries ?? honest.entries]),
    numbers([8, given.size ?? honest.size], [8, given.offset ?? honest.offset]),
    extensible,
    numbers([4, given.locatorSignature ?? 0x07064b50], [4, given.locatorDisk ?? 0]),
    numbers([8, given.locatorOffset ?? at], [4, given.locatorDisks ?? 1]),
  ]);
}
