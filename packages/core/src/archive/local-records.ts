import { type CentralRecord, descriptorFlag, type Inspecting } from "./central-directory.ts";
import { type ByteSink, readEntryData } from "./entry-data.ts";
import { checkUnicodePath, parseExtraFields, widen } from "./extra-fields.ts";
import { refusal } from "./findings.ts";

const fixedBytes = 30;
const descriptorSignature = 0x08074b50;

/** Where one entry's bytes begin and where they must end. */
export interface LocalExtent {
  record: CentralRecord;
  /** Offset of the next entry, or of the directory. */
  end: number;
}

/**
 * Reads one entry in full: local header, data and data descriptor must say what the directory says, and fill their place to the byte.
 * @throws invalid_archive
 */
export async function readLocalRecord(inspecting: Inspecting, extent: LocalExtent, sink: ByteSink): Promise<void> {
  const { record, end } = extent;
  const headerBytes = await checkLocalHeader(inspecting, record);
  const position = record.offset + headerBytes;
  const dataEnd = position + record.packedBytes;
  if (dataEnd > end) throw refusal("overlapping_entries", record.name);
  const hasDescriptor = (record.flags & descriptorFlag) !== 0;
  if (!hasDescriptor && dataEnd !== end) throw refusal("data_between", record.name);
  await readEntryData(inspecting, { record, position }, sink);
  if (hasDescriptor) await checkDescriptor(inspecting, { record, end }, dataEnd);
}

/** The length of the local header with its name and extra fields. */
async function checkLocalHeader({ reader }: Inspecting, record: CentralRecord): Promise<number> {
  const { name, offset } = record;
  const fixed = await reader.view(offset, fixedBytes);
  if (fixed.readUInt32LE(0) !== 0x04034b50) throw refusal("header_mismatch", name);
  const nameLength = fixed.readUInt16LE(26);
  const length = fixedBytes + nameLength + fixed.readUInt16LE(28);
  const header = await reader.view(offset, length);
  const rawName = header.subarray(fixedBytes, fixedBytes + nameLength);
  const matches =
    header.readUInt16LE(6) === record.flags &&
    header.readUInt16LE(8) === record.method &&
    header.readUInt32LE(10) === record.modified &&
    rawName.toString("latin1") === record.rawName;
  if (!matches) throw refusal("header_mismatch", name);

  const extras = parseExtraFields(header.subarray(fixedBytes + nameLength), name);
  checkUnicodePath(extras, rawName, name);
  const plain = { unpackedBytes: header.readUInt32LE(22), packedBytes: header.readUInt32LE(18) };
  const sizes = widen(plain, extras, name);
  // A writer that sends a descriptor later may leave the numbers out here, but not say anything else.
  const mayBeAbsent = (record.flags & descriptorFlag) !== 0;
  const numbersMatch =
    isSaid(header.readUInt32LE(14), record.crc32, mayBeAbsent) &&
    isSaid(sizes.packedBytes, record.packedBytes, mayBeAbsent) &&
    isSaid(sizes.unpackedBytes, record.unpackedBytes, mayBeAbsent);
  if (!numbersMatch) throw refusal("header_mismatch", name);
  return length;
}

function isSaid(local: number, central: number, mayBeAbsent: boolean): boolean {
  return local === central || (mayBeAbsent && local === 0);
}

/** With or without signature, sizes of 4 or 8 bytes: the four forms differ in length, and the length is known. */
async function checkDescriptor({ reader }: Inspecting, extent: LocalExtent, from: number): Promise<void> {
  const { record, end } = extent;
  const length = end - from;
  if (length !== 12 && length !== 16 && length !== 20 && length !== 24) throw refusal("bad_descriptor", record.name);
  const bytes = await reader.view(from, length);
  const hasSignature = length === 16 || length === 24;
  const fields = hasSignature ? bytes.subarray(4) : bytes;
  const read = (at: number) => (fields.length === 20 ? fields.readBigUInt64LE(at) : BigInt(fields.readUInt32LE(at)));
  const matches =
    (!hasSignature || bytes.readUInt32LE(0) === descriptorSignature) &&
    fields.readUInt32LE(0) === record.crc32 &&
    read(4) === BigInt(record.packedBytes) &&
    read(fields.length === 20 ? 12 : 8) === BigInt(record.unpackedBytes);
  if (!matches) throw refusal("bad_descriptor", record.name);
}
