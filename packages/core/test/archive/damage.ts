import { crc32 } from "node:zlib";
import { zipOf } from "../../src/testing/zips.ts";
import { extra, numbers } from "./raw-bytes.ts";
import { rawZip } from "./raw-zip.ts";

const nothing = { crc32: 0, packedBytes: 0, unpackedBytes: 0 };
const text = "some content, some content, some more content";

/** Small archives in which every kind of record occurs. */
export async function everyKind(): Promise<Buffer[]> {
  const plain = rawZip(
    [
      { name: "d/", content: "", method: 0, mode: 0o040755 },
      { name: "d/publish.yaml", content: "Name: x\nVersion: 1.0.0\n" },
      { name: "d/stored", content: text, method: 0, extra: extra(0x5455, Buffer.alloc(5)) },
      { name: "d/link", content: "stored", method: 0, mode: 0o120777 },
    ],
    { comment: Buffer.from("a comment"), zip64: {} },
  );
  const descriptor = numbers([4, crc32(text)], [4, text.length], [4, text.length]);
  const streamed = rawZip([{ name: "a", content: text, method: 0, flags: 0x808, local: nothing, after: descriptor }]);
  return [plain, streamed, await zipOf({ "readme.md": text, "src/index.js": text.repeat(50), "x/ü": "" })];
}

/** One change of an archive's bytes. Places beyond the end count from the beginning again. */
export type Damage =
  | { kind: "flip"; at: number; byte: number }
  | { kind: "word"; at: number; value: number }
  | { kind: "cut"; at: number; length: number }
  | { kind: "insert"; at: number; bytes: Uint8Array }
  | { kind: "repeat"; at: number; length: number }
  | { kind: "end"; at: number };

/** Numbers that mean something where an archive holds one. */
export const tellingWords = [0, 1, 0x7fffffff, 0xffffffff, 0x02014b50] as const;

/** The bytes with one change. */
export function damaged(bytes: Buffer, change: Damage): Buffer {
  const at = change.at % (bytes.length + 1);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (change.kind) {
    case "flip":
      return Buffer.concat([before, Buffer.from([(after[0] ?? 0) ^ change.byte]), after.subarray(1)]);
    case "word":
      return Buffer.concat([before, numbers([4, change.value]), after.subarray(4)]);
    case "cut":
      return Buffer.concat([before, after.subarray(change.length)]);
    case "insert":
      return Buffer.concat([before, change.bytes, after]);
    case "repeat":
      return Buffer.concat([before, after.subarray(0, change.length), after]);
    case "end":
      return before;
  }
}
