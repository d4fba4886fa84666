import type { ByteReader } from "./byte-reader.ts";
import type { EndRecord } from "./end-record.ts";
import { type EntryKind, kindOf } from "./entry-kinds.ts";
import { checkName, decodeName } from "./entry-names.ts";
import { checkUnicodePath, parseExtraFields, widen } from "./extra-fields.ts";
import { refusal } from "./findings.ts";
import type { ArchiveLimits } from "./limits.ts";
import type { TimeBudget } from "./time-budget.ts";

/** One entry as the central directory describes it. */
export interface CentralRecord {
  name: string;
  kind: EntryKind;
  /** The name's bytes, one character each. */
  rawName: string;
  flags: number;
  method: number;
  /** Time and date as the format has them, one number. */
  modified: number;
  crc32: number;
  packedBytes: number;
  unpackedBytes: number;
  /** Where the local record begins. */
  offset: number;
  externalAttributes: number;
}

const fixedBytes = 46;
/** All names are held in memory at once, so they may not all be as long as one may be. */
const meanRecordBytes = 512;
const smallDirectoryBytes = 1024 * 1024;
/** Deflate options (1, 2), data descriptor (3), UTF-8 names (11). */
const allowedFlags = 0b1000_0000_1110;
/** Traditional and strong encryption, and masked headers. */
const encryptionFlags = 0b10_0000_0100_0001;

/** Flag: sizes and checksum follow the data. */
export const descriptorFlag = 0b1000;
const utf8Flag = 0x800;

/** What a walk through an archive needs at hand. */
export interface Inspecting {
  reader: ByteReader;
  limits: ArchiveLimits;
  time: TimeBudget;
}

/**
 * Reads the whole central directory, which must hold exactly the announced entries and nothing else.
 * @throws invalid_archive
 */
export async function readCentralDirectory(inspecting: Inspecting, end: EndRecord): Promise<CentralRecord[]> {
  const { limits, time } = inspecting;
  const directoryBytes = end.directoryEnd - end.directoryStart;
  if (end.entries > limits.entries) throw refusal("too_many_entries");
  if (directoryBytes > Math.max(limits.entries * meanRecordBytes, smallDirectoryBytes))
    throw refusal("directory_too_large");
  if (end.entries * fixedBytes > directoryBytes) throw refusal("bad_directory");
  const records: CentralRecord[] = [];
  let at = end.directoryStart;
  for (let index = 0; index < end.entries; index += 1) {
    const bytes = await viewRecord(inspecting.reader, at, end.directoryEnd);
    records.push(parseRecord(bytes, limits));
    at += bytes.length;
    await time.step();
  }
  if (at !== end.directoryEnd) throw refusal("bad_directory");
  return records;
}

async function viewRecord(reader: ByteReader, at: number, directoryEnd: number): Promise<Buffer> {
  if (at + fixedBytes > directoryEnd) throw refusal("bad_directory");
  const fixed = await reader.view(at, fixedBytes);
  if (fixed.readUInt32LE(0) !== 0x02014b50) throw refusal("bad_directory");
  const length = fixedBytes + fixed.readUInt16LE(28) + fixed.readUInt16LE(30) + fixed.readUInt16LE(32);
  if (at + length > directoryEnd) throw refusal("bad_directory");
  return reader.view(at, length);
}

function parseRecord(bytes: Buffer, limits: ArchiveLimits): CentralRecord {
  const nameEnd = fixedBytes + bytes.readUInt16LE(28);
  const rawName = bytes.subarray(fixedBytes, nameEnd);
  const flags = bytes.readUInt16LE(8);
  const method = bytes.readUInt16LE(10);
  const externalAttributes = bytes.readUInt32LE(38);
  const name = decodeName(rawName, (flags & utf8Flag) !== 0);
  checkFeatures(flags, method, name);
  checkName(name, limits.pathBytes);
  const extras = parseExtraFields(bytes.subarray(nameEnd, nameEnd + bytes.readUInt16LE(30)), name);
  checkUnicodePath(extras, rawName, name);
  const plain = {
    unpackedBytes: bytes.readUInt32LE(24),
    packedBytes: bytes.readUInt32LE(20),
    offset: bytes.readUInt32LE(42),
    disk: bytes.readUInt16LE(34),
  };
  const { unpackedBytes, packedBytes, offset, disk } = widen(plain, extras, name);
  if (disk !== 0) throw refusal("several_disks", name);
  const record: CentralRecord = {
    name,
    kind: kindOf(name, externalAttributes),
    rawName: rawName.toString("latin1"),
    flags,
    method,
    modified: bytes.readUInt32LE(12),
    crc32: bytes.readUInt32LE(16),
    packedBytes,
    unpackedBytes,
    offset,
    externalAttributes,
  };
  checkKind(record, limits);
  return record;
}

/** Refuses what an entry's flags and method ask for beyond plain stored or deflated data. */
function checkFeatures(flags: number, method: number, name: string): void {
  if ((flags & encryptionFlags) !== 0) throw refusal("encrypted", name);
  if ((flags & ~allowedFlags) !== 0) throw refusal("unsupported_flags", name);
  if (method !== 0 && method !== 8) throw refusal("unsupported_method", name);
}

function checkKind({ kind, unpackedBytes, name }: CentralRecord, limits: ArchiveLimits): void {
  if (kind === "folder" && unpackedBytes !== 0) throw refusal("folder_with_data", name);
  if (kind === "link" && limits.symlinks === "refuse") throw refusal("link_refused", name);
}
