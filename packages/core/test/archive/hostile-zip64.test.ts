import { describe, expect, test } from "vitest";
import { type HostileCase, inspector, refuseAll } from "./harness.ts";
import { extra, numbers } from "./raw-bytes.ts";
import { type RawEntry, rawZip } from "./raw-zip.ts";

const one: RawEntry = { name: "a.txt" };
const two: RawEntry[] = [one, { name: "b.txt", content: "second" }];
const good = rawZip(two);
const bytes = (text: string) => Buffer.from(text, "latin1");

const zip64: HostileCase[] = [
  ["a zip64 record with another count", "bad_zip64", rawZip(two, { zip64: { entriesHere: 2n, entries: 3n } })],
  ["a plain count against the zip64 one", "bad_zip64", rawZip(two, { zip64: {}, entries: 1, entriesHere: 1 })],
  ["a plain size against the zip64 one", "bad_zip64", rawZip(two, { zip64: {}, size: 1 })],
  ["a plain offset against the zip64 one", "bad_zip64", rawZip(two, { zip64: {}, offset: 1 })],
  ["a plain disk against the zip64 one", "bad_zip64", rawZip(two, { zip64: {}, disk: 3 })],
  ["a locator that points elsewhere", "bad_zip64", rawZip(two, { zip64: { locatorOffset: 0n } })],
  ["a locator that points behind the file", "bad_zip64", rawZip(two, { zip64: { locatorOffset: 1n << 40n } })],
  ["a locator beyond any number", "bad_zip64", rawZip(two, { zip64: { locatorOffset: (1n << 64n) - 1n } })],
  ["a locator to another disk", "several_disks", rawZip(two, { zip64: { locatorDisk: 1 } })],
  ["a locator that counts two disks", "several_disks", rawZip(two, { zip64: { locatorDisks: 2 } })],
  ["a zip64 record on another disk", "several_disks", rawZip(two, { zip64: { disk: 1 } })],
  ["a wrong zip64 signature", "bad_zip64", rawZip(two, { zip64: { signature: 0x06064b51 } })],
  ["a zip64 record with hidden bytes", "bad_zip64", rawZip(two, { zip64: { extensible: bytes("hidden") } })],
  ["a zip64 record that lies about its size", "bad_zip64", rawZip(two, { zip64: { recordSize: 9999 } })],
  ["a zip64 size that is not the directory's", "bad_directory", rawZip(two, { zip64: { size: 90n } })],
  ["a zip64 offset before the directory", "data_before", rawZip(two, { zip64: { offset: 1n } })],
  ["a zip64 count beyond any number", "bad_zip64", rawZip(two, { zip64: { entries: (1n << 63n) + 1n } })],
  ["placeholders without a zip64 record", "bad_zip64", rawZip(two, { offset: 0xffffffff })],
  ["a placeholder count without a zip64 record", "bad_zip64", rawZip(two, { entries: 0xffff, entriesHere: 0xffff })],
  [
    "a zip64 record without a locator",
    "bad_directory",
    rawZip(two, { zip64: { locatorSignature: 1 }, entries: 2, entriesHere: 2, size: 102, offset: 3 }),
  ],
  ["a placeholder size without a field", "bad_zip64", rawZip([{ ...one, central: { unpackedBytes: 0xffffffff } }])],
  [
    "a field that is too short",
    "bad_zip64",
    rawZip([{ ...one, central: { unpackedBytes: 0xffffffff, extra: extra(1, numbers([4, 40])) } }]),
  ],
  [
    "a field with more than is replaced",
    "bad_zip64",
    rawZip([{ ...one, central: { extra: extra(1, numbers([8, 40])) } }]),
  ],
  ["an empty zip64 field", "bad_zip64", rawZip([{ ...one, central: { extra: extra(1, Buffer.alloc(0)) } }])],
  [
    "a field beyond any number",
    "bad_zip64",
    rawZip([{ ...one, central: { unpackedBytes: 0xffffffff, extra: extra(1, numbers([8, -1n])) } }]),
  ],
  [
    "a field that hides an overlap",
    "overlapping_entries",
    rawZip([one, { name: "b", central: { offset: 0xffffffff, extra: extra(1, numbers([8, 0])) } }]),
  ],
  [
    "a zip64 field in the local header alone",
    "bad_zip64",
    rawZip([{ ...one, local: { extra: extra(1, numbers([8, 40], [8, 20])) } }]),
  ],
  [
    "a local zip64 field that lies",
    "header_mismatch",
    rawZip([
      {
        ...one,
        local: { unpackedBytes: 0xffffffff, packedBytes: 0xffffffff, extra: extra(1, numbers([8, 41], [8, 20])) },
      },
    ]),
  ],
  [
    "a disk in the zip64 field",
    "several_disks",
    rawZip([{ ...one, central: { disk: 0xffff, extra: extra(1, numbers([4, 2])) } }]),
  ],
];

describe("archives whose zip64 records lie", () => refuseAll(zip64));

describe("what the hostile archives are made of", () => {
  const inspect = inspector();
  test.each([
    ["the plain one", good],
    ["with zip64 records", rawZip(two, { zip64: {} })],
    ["with zip64 records that say what the plain ones say", rawZip(two, { zip64: {}, entries: 2, entriesHere: 2 })],
    ["with a comment", rawZip(two, { comment: bytes("PK\x01\x02 a comment, PK\x03\x04") })],
  ])("is accepted: %s", async (_title, archive) => {
    expect(await inspect(archive)).toMatchObject({ entries: 2, files: 2, unpackedBytes: 46 });
  });
});
