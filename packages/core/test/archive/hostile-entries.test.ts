import { crc32, deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type HostileCase, inspector, refuseAll } from "./harness.ts";
import { extra, numbers } from "./raw-bytes.ts";
import { type RawEntry, rawZip } from "./raw-zip.ts";

const content = "content of the file, content of the file";
const crc = crc32(content);
const packed = deflateRawSync(content);
const deflated: RawEntry = { name: "a.txt", content };
const plainFlags = 0x800;

function local(fields: RawEntry["local"]): Buffer {
  return rawZip([{ ...deflated, local: { ...fields } }]);
}

const headers: HostileCase[] = [
  ["a local header with another name", "header_mismatch", local({ rawName: Buffer.from("b.txt") })],
  ["a local header with a longer name", "header_mismatch", local({ rawName: Buffer.from("a.txt.exe") })],
  ["a local header without a name", "overlapping_entries", local({ rawName: Buffer.alloc(0) })],
  ["a local header with another method", "header_mismatch", local({ method: 0 })],
  ["a local header with other flags", "header_mismatch", local({ flags: 0 })],
  ["a local header that claims encryption", "header_mismatch", local({ flags: plainFlags | 1 })],
  ["a local header that announces a descriptor", "header_mismatch", local({ flags: plainFlags | 8 })],
  ["a local header with another time", "header_mismatch", local({ modified: 1 })],
  ["a local header with another checksum", "header_mismatch", local({ crc32: 1 })],
  ["a local header without a checksum", "header_mismatch", local({ crc32: 0 })],
  ["a local header with another packed size", "header_mismatch", local({ packedBytes: 1 })],
  ["a local header with another size", "header_mismatch", local({ unpackedBytes: 1 })],
  ["no local header at the offset", "header_mismatch", local({ signature: 0x04034b51 })],
  ["a local extra field that swallows the data", "overlapping_entries", swallowing()],
  ["encryption", "encrypted", rawZip([{ ...deflated, flags: plainFlags | 1 }])],
  ["strong encryption", "encrypted", rawZip([{ ...deflated, flags: plainFlags | 0x41 }])],
  ["masked headers", "encrypted", rawZip([{ ...deflated, flags: plainFlags | 0x2000 }])],
  ["patched data", "unsupported_flags", rawZip([{ ...deflated, flags: plainFlags | 0x20 }])],
  ["reserved flags", "unsupported_flags", rawZip([{ ...deflated, flags: plainFlags | 0x10 }])],
  ["flags that nobody uses", "unsupported_flags", rawZip([{ ...deflated, flags: plainFlags | 0x8000 }])],
  ["AES", "unsupported_method", rawZip([{ ...deflated, method: 99, packed }])],
  ["deflate64", "unsupported_method", rawZip([{ ...deflated, method: 9, packed }])],
  ["bzip2", "unsupported_method", rawZip([{ ...deflated, method: 12, packed }])],
  ["zstd", "unsupported_method", rawZip([{ ...deflated, method: 93, packed }])],
  ["imploded data", "unsupported_method", rawZip([{ ...deflated, method: 6, packed }])],
];

function swallowing(): Buffer {
  const bytes = rawZip([deflated, { name: "b.txt" }]);
  // The extra field of the first local header, none so far, now reaches over the data and then some.
  bytes.writeUInt16LE(60, 28);
  bytes.writeUInt16LE(0x9999, 35);
  bytes.writeUInt16LE(56, 37);
  return bytes;
}

const extras: HostileCase[] = [
  ["three bytes of extra field", "bad_extra", rawZip([{ ...deflated, extra: Buffer.alloc(3) }])],
  [
    "an extra field longer than its place",
    "bad_extra",
    rawZip([{ ...deflated, extra: numbers([2, 0x5455], [2, 9], [1, 3]) }]),
  ],
  ["a local extra field longer than its place", "bad_extra", local({ extra: numbers([2, 0x5455], [2, 9], [1, 3]) })],
  ["the same extra field twice", "duplicate_extra", rawZip([{ ...deflated, extra: twice(0x5455, Buffer.alloc(5)) }])],
  ["the zip64 field twice", "duplicate_extra", rawZip([{ ...deflated, extra: twice(1, numbers([8, 40])) }])],
  ["the same local extra field twice", "duplicate_extra", local({ extra: twice(0x7875, Buffer.alloc(11)) })],
  [
    "another name in the Unicode field",
    "name_mismatch",
    rawZip([{ ...deflated, extra: unicodePath("a.txt", "evil.txt") }]),
  ],
  [
    "another name in the directory's Unicode field",
    "name_mismatch",
    rawZip([{ ...deflated, central: { extra: unicodePath("a.txt", "evil.txt") } }]),
  ],
  ["another name in the local Unicode field", "name_mismatch", local({ extra: unicodePath("a.txt", "../evil") })],
  [
    "a Unicode field for another name",
    "name_mismatch",
    rawZip([{ ...deflated, extra: unicodePath("b.txt", "a.txt") }]),
  ],
  [
    "a Unicode field that is too short",
    "name_mismatch",
    rawZip([{ ...deflated, extra: extra(0x7075, Buffer.from([1])) }]),
  ],
  [
    "a Unicode field that is no UTF-8",
    "name_mismatch",
    rawZip([{ ...deflated, extra: unicodePath("a.txt", Buffer.from([0xff])) }]),
  ],
  [
    "a Unix field that carries a link",
    "unsupported_extra",
    rawZip([{ ...deflated, extra: extra(0x756e, Buffer.alloc(14)) }]),
  ],
  ["an old Unix field that carries a link", "unsupported_extra", local({ extra: extra(0x000d, Buffer.alloc(12)) })],
];

function twice(id: number, data: Buffer): Buffer {
  return Buffer.concat([extra(id, data), extra(id, data)]);
}

function unicodePath(of: string, name: string | Buffer): Buffer {
  return extra(0x7075, Buffer.concat([numbers([1, 1], [4, crc32(of)]), Buffer.from(name)]));
}

/** An entry whose numbers follow its data, in this form. */
function described(descriptor: Buffer, fields: Partial<RawEntry> = {}): Buffer {
  const nothing = { crc32: 0, packedBytes: 0, unpackedBytes: 0 };
  return rawZip([{ ...deflated, flags: plainFlags | 8, local: nothing, after: descriptor, ...fields }]);
}

const [size, unpacked] = [packed.length, content.length];
const signature = 0x08074b50;

const descriptors: HostileCase[] = [
  ["no descriptor", "bad_descriptor", described(Buffer.alloc(0))],
  ["a descriptor of another length", "bad_descriptor", described(numbers([4, crc], [4, size]))],
  [
    "a descriptor with bytes behind it",
    "bad_descriptor",
    described(numbers([4, signature], [4, crc], [4, size], [4, unpacked], [1, 0])),
  ],
  ["a descriptor with another checksum", "bad_descriptor", described(numbers([4, crc ^ 1], [4, size], [4, unpacked]))],
  [
    "a descriptor with another packed size",
    "bad_descriptor",
    described(numbers([4, crc], [4, size + 1], [4, unpacked])),
  ],
  [
    "a descriptor with another size",
    "bad_descriptor",
    described(numbers([4, signature], [4, crc], [4, size], [4, unpacked - 1])),
  ],
  [
    "a descriptor with a wrong signature",
    "bad_descriptor",
    described(numbers([4, signature + 1], [4, crc], [4, size], [4, unpacked])),
  ],
  ["a wide descriptor with another size", "bad_descriptor", described(numbers([4, crc], [8, size], [8, unpacked + 1]))],
  [
    "a wide descriptor with a high half",
    "bad_descriptor",
    described(numbers([4, signature], [4, crc], [8, size], [8, 2n ** 32n + BigInt(unpacked)])),
  ],
  [
    "a descriptor nobody announced",
    "data_between",
    rawZip([{ ...deflated, after: numbers([4, crc], [4, size], [4, unpacked]) }]),
  ],
  [
    "a local size that neither is zero nor right",
    "header_mismatch",
    described(numbers([4, crc], [4, size], [4, unpacked]), { local: { packedBytes: 7 } }),
  ],
];

describe("archives whose headers disagree or ask for too much", () => refuseAll(headers));
describe("archives with hostile extra fields", () => refuseAll(extras));
describe("archives with hostile data descriptors", () => refuseAll(descriptors));

describe("data descriptors", () => {
  const inspect = inspector();
  test.each([
    ["12 bytes", numbers([4, crc], [4, size], [4, unpacked])],
    ["16 bytes", numbers([4, signature], [4, crc], [4, size], [4, unpacked])],
    ["20 bytes", numbers([4, crc], [8, size], [8, unpacked])],
    ["24 bytes", numbers([4, signature], [4, crc], [8, size], [8, unpacked])],
  ])("are accepted: %s", async (_title, descriptor) => {
    expect(await inspect(described(descriptor))).toMatchObject({ files: 1, unpackedBytes: unpacked });
  });

  test("may repeat what the local header says already", async () => {
    const bytes = described(numbers([4, crc], [4, size], [4, unpacked]), { local: {} });
    expect(await inspect(bytes)).toMatchObject({ files: 1 });
  });
});
