import { Transform } from "node:stream";
import { RegistryError } from "../errors.ts";
import type { ByteReader } from "./byte-reader.ts";
import { type EndRecord, readEndRecord } from "./end-record.ts";

/** A run of an archive's bytes to be replaced. */
interface Edit {
  at: number;
  /** Bytes to leave out. */
  remove: number;
  insert: Buffer;
}

/** How an archive becomes one whose entries all lie in one folder. */
export interface TopFolderPlan {
  /** Size of the new archive in bytes. */
  size: number;
  /** Makes the new archive's bytes of the old one's, as they pass; compressed data stays as it is. */
  apply(): Transform;
}

const nameLengthAt = 26;
const localBytes = 30;
const centralBytes = 46;
const largest = 0xfffffffe;

/**
 * Plans how a sound archive, one that was inspected when it was taken in, gets a folder around all of its entries. Null when they
 * lie in one folder already. The same archive and folder always give the same bytes.
 * @throws version_not_found for an archive that is so large that its folder would need other records than it has
 */
export async function planTopFolder(
  reader: Pick<ByteReader, "size" | "view">,
  folder: string,
): Promise<TopFolderPlan | null> {
  const end = await readEndRecord({ ...reader, slice: reader.view, close: async () => {} });
  const directory = await reader.view(end.directoryStart, end.directoryEnd - end.directoryStart);
  const entries = readEntries(directory, end);
  if (haveOneFolder(entries)) return null;
  const prefix = Buffer.from(`${folder}/`);
  const addedBytes = entries.length * prefix.length;
  const tail = await reader.view(end.directoryEnd, reader.size - end.directoryEnd);
  const rest = Buffer.concat([movedDirectory(directory, entries, prefix), movedEnd(tail, addedBytes)]);
  const edits: Edit[] = [];
  for (const { offset, name } of entries) {
    const length = Buffer.alloc(2);
    length.writeUInt16LE(name.length + prefix.length);
    edits.push({ at: offset + nameLengthAt, remove: 2, insert: length });
    edits.push({ at: offset + localBytes, remove: 0, insert: prefix });
  }
  edits.push({ at: end.directoryStart, remove: reader.size - end.directoryStart, insert: rest });
  return { size: end.directoryStart + addedBytes + rest.length, apply: () => applyEdits(edits) };
}

interface Entry {
  /** Of its record in the directory. */
  at: number;
  bytes: number;
  name: string;
  /** Of its local record. */
  offset: number;
  order: number;
}

/** The entries in the order of their data, each with the number of those before it. */
function readEntries(directory: Buffer, end: EndRecord): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at < directory.length; ) {
    const nameBytes = directory.readUInt16LE(at + 28);
    const bytes = centralBytes + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    const name = directory.toString("latin1", at + centralBytes, at + centralBytes + nameBytes);
    entries.push({ at, bytes, name, offset: directory.readUInt32LE(at + 42), order: 0 });
    at += bytes;
  }
  entries.sort((a, b) => a.offset - b.offset);
  for (const [order, entry] of entries.entries()) entry.order = order;
  if (entries.length !== end.entries || entries.some(({ offset }) => offset > largest)) throw tooLarge();
  return entries;
}

function haveOneFolder(entries: readonly Entry[]): boolean {
  const tops = new Set(entries.map(({ name }) => (name.includes("/") ? name.slice(0, name.indexOf("/")) : null)));
  return tops.size === 1 && !tops.has(null);
}

function movedDirectory(directory: Buffer, entries: readonly Entry[], prefix: Buffer): Buffer {
  const pieces = entries
    .toSorted((a, b) => a.at - b.at)
    .flatMap(({ at, bytes, name, offset, order }) => {
      const fixed = Buffer.from(directory.subarray(at, at + centralBytes));
      fixed.writeUInt16LE(name.length + prefix.length, 28);
      fixed.writeUInt32LE(checked(offset + order * prefix.length), 42);
      return [fixed, prefix, directory.subarray(at + centralBytes, at + bytes)];
    });
  return Buffer.concat(pieces);
}

/** What stands behind the directory: perhaps the large form of the end record and its locator, and the end record. */
function movedEnd(original: Buffer, addedBytes: number): Buffer {
  const tail = Buffer.from(original);
  const isLarge = tail.readUInt32LE(0) === 0x06064b50;
  const endAt = isLarge ? 56 + 20 : 0;
  if (isLarge) {
    tail.writeBigUInt64LE(tail.readBigUInt64LE(40) + BigInt(addedBytes), 40);
    tail.writeBigUInt64LE(tail.readBigUInt64LE(48) + BigInt(addedBytes), 48);
    // The record lies behind the data and the directory, which have both grown.
    tail.writeBigUInt64LE(tail.readBigUInt64LE(56 + 8) + 2n * BigInt(addedBytes), 56 + 8);
  }
  for (const at of [endAt + 12, endAt + 16]) {
    const value = tail.readUInt32LE(at);
    if (value <= largest) tail.writeUInt32LE(checked(value + addedBytes), at);
  }
  return tail;
}

function checked(value: number): number {
  if (value > largest) throw tooLarge();
  return value;
}

function tooLarge(): RegistryError {
  return new RegistryError("version_not_found", { details: { archive: "too large for this generation of clients" } });
}

function applyEdits(edits: readonly Edit[]): Transform {
  let next = 0;
  let position = 0;
  let left = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      let at = 0;
      while (at < chunk.length) {
        if (left > 0) {
          const dropped = Math.min(left, chunk.length - at);
          left -= dropped;
          at += dropped;
          position += dropped;
          continue;
        }
        const edit = edits[next];
        const until = edit === undefined ? chunk.length : Math.min(chunk.length, at + edit.at - position);
        if (until > at) this.push(chunk.subarray(at, until));
        position += until - at;
        at = until;
        if (edit === undefined || position !== edit.at) continue;
        this.push(edit.insert);
        left = edit.remove;
        next += 1;
      }
      done();
    },
  });
}
