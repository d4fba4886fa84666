import { isUtf8 } from "node:buffer";
import { crc32 } from "node:zlib";
import { refusal } from "./findings.ts";
import { readSafeInteger } from "./numbers.ts";

const zip64Id = 0x0001;
const unicodePathId = 0x7075;
/** Extra fields that carry link targets or device numbers besides the attributes: PKWARE Unix and ASi Unix. */
const linkingIds: readonly number[] = [0x000d, 0x756e];

/** The extra fields of one header, by id. */
type ExtraFields = ReadonlyMap<number, Buffer>;

/**
 * Takes a header's extra fields apart: they must fill their place exactly and be unlike each other.
 * @throws invalid_archive
 */
export function parseExtraFields(bytes: Buffer, entryName: string): ExtraFields {
  const fields = new Map<number, Buffer>();
  let at = 0;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) throw refusal("bad_extra", entryName);
    const id = bytes.readUInt16LE(at);
    const end = at + 4 + bytes.readUInt16LE(at + 2);
    if (end > bytes.length) throw refusal("bad_extra", entryName);
    if (fields.has(id)) throw refusal("duplicate_extra", entryName);
    if (linkingIds.includes(id)) throw refusal("unsupported_extra", entryName);
    fields.set(id, bytes.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

/** The 32-bit numbers of a header that zip64 may widen. A local header has no offset and no disk. */
interface PlainSizes {
  unpackedBytes: number;
  packedBytes: number;
  offset?: number;
  disk?: number;
}

/** The same numbers, widened. */
interface WideSizes {
  unpackedBytes: number;
  packedBytes: number;
  offset: number;
  disk: number;
}

/**
 * Replaces the placeholders among a header's numbers by what its zip64 field says.
 * The field must hold exactly the numbers that are replaced, or repeat both sizes: readers differ in what they make of any
 * other form.
 * @throws invalid_archive `bad_zip64`
 */
export function widen(plain: PlainSizes, extras: ExtraFields, entryName: string): WideSizes {
  const field = extras.get(zip64Id);
  const wide: WideSizes = { offset: 0, disk: 0, ...plain };
  let at = 0;
  for (const key of ["unpackedBytes", "packedBytes", "offset"] as const) {
    if (plain[key] !== 0xffffffff) continue;
    if (field === undefined || at + 8 > field.length) throw refusal("bad_zip64", entryName);
    wide[key] = readSafeInteger(field, at);
    at += 8;
  }
  if (plain.disk === 0xffff) {
    if (field === undefined || at + 4 > field.length) throw refusal("bad_zip64", entryName);
    wide.disk = field.readUInt32LE(at);
    at += 4;
  }
  if (field !== undefined && at !== field.length && !isRepetition(field, plain)) throw refusal("bad_zip64", entryName);
  if (field?.length === 0) throw refusal("bad_zip64", entryName);
  return wide;
}

/** CPython before 3.11.4 repeats sizes here that stand in the header already; either way to read them gives the same. */
function isRepetition(field: Buffer, plain: PlainSizes): boolean {
  if (field.length !== 16 || plain.unpackedBytes === 0xffffffff || plain.packedBytes === 0xffffffff) return false;
  return readSafeInteger(field, 0) === plain.unpackedBytes && readSafeInteger(field, 8) === plain.packedBytes;
}

/**
 * Makes sure that a second, Unicode name in the extra fields is the entry's name.
 * @throws invalid_archive `name_mismatch`
 */
export function checkUnicodePath(extras: ExtraFields, rawName: Buffer, name: string): void {
  const field = extras.get(unicodePathId);
  if (field === undefined) return;
  const agrees =
    field.length >= 5 &&
    field[0] === 1 &&
    field.readUInt32LE(1) === crc32(rawName) &&
    isUtf8(field.subarray(5)) &&
    field.toString("utf8", 5) === name;
  if (!agrees) throw refusal("name_mismatch", name);
}
