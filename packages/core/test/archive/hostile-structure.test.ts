import { describe } from "vitest";
import { type HostileCase, refuseAll } from "./harness.ts";
import { numbers } from "./raw-bytes.ts";
import { type RawEntry, rawZip } from "./raw-zip.ts";

const one: RawEntry = { name: "a.txt" };
const two: RawEntry[] = [one, { name: "b.txt", content: "second" }];
const good = rawZip(two);
const bytes = (text: string) => Buffer.from(text, "latin1");
const emptyEnd = numbers([4, 0x06054b50], [8, 0], [8, 0], [2, 0]);
const endSize = 22;

/** The whole of another archive's records in front of an end record that belongs to it alone. */
const nested = rawZip([{ name: "inner.txt" }]);

const wholeFile: HostileCase[] = [
  ["no bytes", "not_a_zip", Buffer.alloc(0)],
  ["one byte", "not_a_zip", bytes("P")],
  ["text", "not_a_zip", bytes("#!/bin/sh\n".repeat(100))],
  ["zeros", "not_a_zip", Buffer.alloc(100_000)],
  ["gzip", "not_a_zip", Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), Buffer.alloc(60)])],
  ["a local header alone", "truncated", bytes("PK\x03\x04")],
  ["cut in the first entry", "truncated", good.subarray(0, 40)],
  ["cut in the directory", "truncated", good.subarray(0, good.length - endSize - 10)],
  ["cut in the end record", "truncated", good.subarray(0, good.length - 5)],
  ["without its last byte", "truncated", good.subarray(0, good.length - 1)],
  ["a comment shorter than it says", "truncated", rawZip(two, { comment: bytes("abc"), commentLength: 9 })],
  ["the first half missing", "bad_directory", good.subarray(30)],
];

const endRecord: HostileCase[] = [
  ["a byte behind the end", "trailing_data", rawZip(two, { after: bytes("x") })],
  ["zeros behind the end", "trailing_data", rawZip(two, { after: Buffer.alloc(512) })],
  ["a comment longer than it says", "trailing_data", rawZip(two, { comment: bytes("abcdef"), commentLength: 2 })],
  ["too much behind the end to find it", "truncated", rawZip(two, { after: Buffer.alloc(70_000) })],
  ["two archives in a row", "data_before", Buffer.concat([rawZip([{ name: "other" }, one]), good])],
  ["an archive behind another of the same shape", "data_before", Buffer.concat([nested, nested])],
  ["an end record in the comment", "several_end_records", rawZip(two, { comment: emptyEnd })],
  [
    "an end signature at the end of the comment",
    "several_end_records",
    rawZip(two, { comment: bytes("x PK\x05\x06") }),
  ],
  ["an archive in the comment", "several_end_records", rawZip(two, { comment: nested })],
  [
    "an earlier end record whose comment is the real one",
    "several_end_records",
    Buffer.concat([
      good.subarray(0, -endSize),
      numbers([4, 0x06054b50], [8, 0], [8, 0], [2, endSize]),
      good.subarray(-endSize),
    ]),
  ],
  ["an empty archive", "empty_archive", emptyEnd],
  ["folders only", "empty_archive", rawZip([{ name: "a/", content: "", method: 0, mode: 0o040755 }])],
  ["a link only", "empty_archive", rawZip([{ name: "l", content: "x", method: 0, mode: 0o120777 }])],
  ["fewer entries counted on this disk", "bad_end_record", rawZip(two, { entriesHere: 1 })],
  ["another number of this disk", "several_disks", rawZip(two, { disk: 1 })],
  ["another disk for the directory", "several_disks", rawZip(two, { directoryDisk: 1 })],
  ["an entry on another disk", "several_disks", rawZip([{ ...one, central: { disk: 1 } }])],
];

const directory: HostileCase[] = [
  ["one entry too few announced", "bad_directory", rawZip(two, { entries: 1, entriesHere: 1 })],
  ["one entry too many announced", "bad_directory", rawZip(two, { entries: 3, entriesHere: 3 })],
  ["no entries announced", "bad_directory", rawZip(two, { entries: 0, entriesHere: 0 })],
  ["a directory longer than it is", "bad_directory", rawZip(two, { size: 200 })],
  ["a directory shorter than it is", "bad_directory", rawZip(two, { size: 50 })],
  ["a directory said to begin earlier", "data_before", rawZip(two, { offset: 60 })],
  ["a directory that begins behind the file", "bad_directory", rawZip(two, { offset: 0x7fffffff })],
  ["bytes between directory and end", "bad_directory", rawZip(two, { before: bytes("junk") })],
  [
    "a signature record in the directory",
    "bad_directory",
    rawZip(two, { before: bytes("PK\x05\x05\x02\x00ab"), size: 110 }),
  ],
  ["a wrong central signature", "bad_directory", rawZip([{ ...one, central: { signature: 0x02014b51 } }])],
  ["a comment that leaves the directory", "bad_directory", rawZip([{ ...one, central: { commentLength: 500 } }])],
  [
    "a comment that swallows the next record",
    "bad_directory",
    rawZip([{ ...one, central: { commentLength: 51 } }, { name: "b.txt" }]),
  ],
  ["a local header without a directory entry", "data_before", rawZip([{ ...one, noCentral: true }, { name: "b.txt" }])],
  ["a hidden entry in the middle", "data_between", rawZip([one, { name: "hid", noCentral: true }, { name: "b.txt" }])],
  ["a hidden entry at the end", "data_between", rawZip([one, { name: "hid", noCentral: true }])],
  ["a script in front", "data_before", Buffer.concat([bytes("#!/bin/sh\n"), good])],
  ["a script in front, offsets adjusted", "data_before", rawZip([{ ...one, before: bytes("MZ stub") }])],
  ["a spanning marker in front", "data_before", rawZip([{ ...one, before: bytes("PK00") }])],
  ["bytes between entries", "data_between", rawZip([{ ...one, after: bytes("x") }, { name: "b.txt" }])],
  ["bytes between the last entry and the directory", "data_between", rawZip([{ ...one, after: Buffer.alloc(16) }])],
  [
    "an extra data record before the directory",
    "data_between",
    rawZip([{ ...one, after: bytes("PK\x06\x08\x00\x00\x00\x00") }]),
  ],
  [
    "two entries over the same data",
    "overlapping_entries",
    rawZip([one, { name: "b.txt", noLocal: true, central: { offset: 0 } }]),
  ],
  [
    "an entry inside another one's data",
    "overlapping_entries",
    rawZip([
      { name: "outer", method: 0, content: nested.subarray(0, 90) },
      { name: "inner.txt", noLocal: true, central: { offset: 35 } },
    ]),
  ],
  [
    "an entry that begins behind the directory",
    "overlapping_entries",
    rawZip([one, { name: "b", noLocal: true, central: { offset: 9999 } }]),
  ],
  [
    "quoted headers: each entry's data is the next entry",
    "overlapping_entries",
    rawZip([
      { name: "q", method: 0, content: "x".repeat(100) },
      { name: "r", noLocal: true, central: { offset: 31, packedBytes: 69 } },
    ]),
  ],
];

describe("archives that are no zip, or not a whole one", () => refuseAll(wholeFile));
describe("archives whose end is ambiguous", () => refuseAll(endRecord));
describe("archives whose directory and entries do not fit", () => refuseAll(directory));
