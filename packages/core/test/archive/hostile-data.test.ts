import { writeFile } from "node:fs/promises";
import { constants, deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { openByteReader } from "../../src/archive/byte-reader.ts";
import type { CentralRecord } from "../../src/archive/central-directory.ts";
import { readEntryData } from "../../src/archive/entry-data.ts";
import { defaultArchiveLimits } from "../../src/archive/limits.ts";
import { timeBudget } from "../../src/archive/time-budget.ts";
import { type HostileCase, refuseAll, temporaryFolder } from "./harness.ts";
import { type RawEntry, rawZip } from "./raw-zip.ts";

const content = "content of the file, content of the file";
const packed = deflateRawSync(content);
const stored: RawEntry = { name: "a.txt", content, method: 0 };
const deflated: RawEntry = { name: "a.txt", content };

/** Bytes that deflate makes a quarter smaller, no more. */
function noiseOf(length: number): Buffer {
  const noise = Buffer.alloc(length);
  let state = 1;
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    noise[index] = state >>> 26;
  }
  return noise;
}

/** The deflated entry with these bytes for data; everything else says what the content is. */
function withData(data: Buffer, fields: Partial<RawEntry> = {}): Buffer {
  return rawZip([{ ...deflated, packed: data, ...fields }]);
}

const big = Buffer.alloc(3_000_000, "0123456789");
const bigPacked = deflateRawSync(big);
const noise = noiseOf(300_000);
const noisePacked = deflateRawSync(noise);
const emptyBlock = Buffer.from([0, 0, 0, 0xff, 0xff]);
const lie = (unpackedBytes: number): Partial<RawEntry> => ({ local: { unpackedBytes }, central: { unpackedBytes } });

const data: HostileCase[] = [
  [
    "stored data with a wrong checksum",
    "wrong_crc",
    rawZip([{ ...stored, local: { crc32: 5 }, central: { crc32: 5 } }]),
  ],
  [
    "deflated data with a wrong checksum",
    "wrong_crc",
    withData(packed, { local: { crc32: 5 }, central: { crc32: 5 } }),
  ],
  [
    "large data with a wrong checksum",
    "wrong_crc",
    rawZip([{ content: noise, local: { crc32: 5 }, central: { crc32: 5 } }]),
  ],
  ["stored sizes that differ", "wrong_size", rawZip([{ ...stored, ...lie(41) }])],
  ["more data than declared", "wrong_size", withData(packed, lie(10))],
  ["less data than declared", "wrong_size", withData(packed, lie(50))],
  ["nothing declared, something there", "wrong_size", withData(packed, lie(0))],
  ["much more data than declared", "wrong_size", rawZip([{ content: big, packed: bigPacked, ...lie(1_000_000) }])],
  ["much less data than declared", "wrong_size", rawZip([{ content: big, packed: bigPacked, ...lie(4_000_000) }])],
  ["no deflate data at all", "corrupt_data", withData(Buffer.alloc(0), { content: "" })],
  ["data that is no deflate", "corrupt_data", withData(Buffer.from("this is not deflated"))],
  ["deflate data cut short", "corrupt_data", withData(packed.subarray(0, -3))],
  ["large deflate data cut short", "corrupt_data", rawZip([{ content: noise, packed: noisePacked.subarray(0, -30) }])],
  ["large data that breaks in the middle", "corrupt_data", rawZip([{ content: noise, packed: broken(noise) }])],
  ["a byte behind the deflate data", "excess_data", withData(Buffer.concat([packed, Buffer.from([0])]))],
  ["a second deflate stream", "excess_data", withData(Buffer.concat([packed, packed]))],
  [
    "a byte behind large deflate data",
    "excess_data",
    rawZip([{ content: noise, packed: Buffer.concat([noisePacked, Buffer.from([0])]) }]),
  ],
  [
    "a second large deflate stream",
    "excess_data",
    rawZip([{ content: noise, packed: Buffer.concat([noisePacked, noisePacked.subarray(0, 250_000)]) }]),
  ],
  [
    "much data behind a small stream",
    "excess_data",
    rawZip([{ content: big, packed: Buffer.concat([bigPacked, Buffer.alloc(2_000_000)]) }]),
  ],
  [
    "a zlib header before the deflate data",
    "corrupt_data",
    withData(Buffer.concat([Buffer.from([0x78, 0x9c]), packed])),
  ],
  [
    "ten thousand empty blocks",
    "padded_data",
    withData(Buffer.concat([...Array<Buffer>(10_000).fill(emptyBlock), packed])),
  ],
  ["a folder with data", "folder_with_data", rawZip([deflated, { name: "d/", content, mode: 0o040755 }])],
];

/** A good beginning, then a block of a type that does not exist. */
function broken(bytes: Buffer): Buffer {
  return Buffer.concat([deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }), Buffer.alloc(1000, 0x07)]);
}

describe("unpacking", () => {
  const folder = temporaryFolder();

  test.each([
    ["at once", 300_000, 1000],
    ["as a stream", 60_000_000, 600_000],
  ])("stops at the declared size: %s", async (title, sizeBytes, unpackedBytes) => {
    const path = folder.path(title);
    await writeFile(path, deflateRawSync(Buffer.alloc(sizeBytes), { level: 1 }));
    const reader = await openByteReader(path);
    const inspecting = { reader, limits: defaultArchiveLimits, time: timeBudget(10_000) };
    const record = { ...blankRecord, packedBytes: reader.size, unpackedBytes };
    let count = 0;
    const unpacking = readEntryData(inspecting, { record, position: 0 }, (bytes) => {
      count += bytes.length;
    });
    await expect(unpacking).rejects.toMatchObject({ details: { finding: "wrong_size" } });
    expect(count).toBeLessThanOrEqual(unpackedBytes);
    await reader.close();
  });
});

const blankRecord: CentralRecord = {
  name: "a",
  kind: "file",
  rawName: "a",
  flags: 0,
  method: 8,
  modified: 0,
  crc32: 0,
  packedBytes: 0,
  unpackedBytes: 0,
  offset: 0,
  externalAttributes: 0,
};

describe("archives whose data is not what it is said to be", () => refuseAll(data));
