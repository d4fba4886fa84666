import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RegistryError } from "../../src/errors.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { inspector } from "./harness.ts";
import { extra, numbers } from "./raw-bytes.ts";
import { rawZip } from "./raw-zip.ts";

const component = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
  .map((name) => `n${name.replace(/[\p{C}\p{Z}/\\:.\ufeff\u2028\u2029]/gu, "_")}_`);

/** Paths of one to four folders, made distinct and free of collisions by their position. */
const honestFiles = fc
  .array(fc.tuple(fc.array(component, { minLength: 1, maxLength: 4 }), fc.uint8Array({ maxLength: 2000 })), {
    minLength: 1,
    maxLength: 12,
  })
  .map((files) =>
    Object.fromEntries(files.map(([path, bytes], index) => [`${index}${path.join("/")}`, Buffer.from(bytes)] as const)),
  );

describe("honest archives", () => {
  const inspect = inspector();

  test("of any names and contents are accepted, and counted right", async () => {
    await fc.assert(
      fc.asyncProperty(honestFiles, fc.boolean(), fc.boolean(), async (files, store, isWrapped) => {
        const archive = await zipOf(files, { store, ...(isWrapped ? { topFolder: "package" } : {}) });
        const unpackedBytes = Object.values(files).reduce((sum, bytes) => sum + bytes.length, 0);
        const count = Object.keys(files).length;
        expect(await inspect(archive)).toMatchObject({ entries: count, files: count, unpackedBytes });
      }),
      { numRuns: 60 },
    );
  });
});

const nothing = { crc32: 0, packedBytes: 0, unpackedBytes: 0 };
const text = "some content, some content, some more content";

/** A small archive in which every kind of record occurs. */
async function everyKind(): Promise<Buffer[]> {
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

const edit = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at: fc.nat(), byte: fc.integer({ min: 1, max: 255 }) }),
  fc.record({
    kind: fc.constant("word" as const),
    at: fc.nat(),
    value: fc.constantFrom(0, 1, 0x7fffffff, 0xffffffff, 0x02014b50),
  }),
  fc.record({ kind: fc.constant("cut" as const), at: fc.nat(), length: fc.integer({ min: 1, max: 64 }) }),
  fc.record({
    kind: fc.constant("insert" as const),
    at: fc.nat(),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  }),
  fc.record({ kind: fc.constant("repeat" as const), at: fc.nat(), length: fc.integer({ min: 1, max: 120 }) }),
  fc.record({ kind: fc.constant("end" as const), at: fc.nat() }),
);

type Edit = typeof edit extends fc.Arbitrary<infer Value> ? Value : never;

function apply(bytes: Buffer, change: Edit): Buffer {
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

describe("damaged archives", () => {
  const inspect = inspector();

  test("are accepted or refused with a finding, never anything else", async () => {
    const archives = await everyKind();
    for (const archive of archives) await inspect(archive);
    const verdicts = new Set<unknown>();
    await fc.assert(
      fc.asyncProperty(fc.nat(2), fc.array(edit, { minLength: 1, maxLength: 3 }), async (index, edits) => {
        const damaged = edits.reduce(apply, archives[index] ?? Buffer.alloc(0));
        const error = await inspect(damaged, { timeMs: 5000 }).then(
          () => null,
          (reason: unknown) => reason,
        );
        if (error === null) return;
        expect(error).toSatisfy((reason: unknown) => RegistryError.is(reason, "invalid_archive"));
        verdicts.add((error as RegistryError).details?.finding);
      }),
      { numRuns: 1500 },
    );
    expect(verdicts).not.toContain("time_limit");
    expect(verdicts.size).toBeGreaterThan(12);
  });

  test("are refused wherever they are cut off", async () => {
    for (const archive of await everyKind()) {
      for (let length = 0; length < archive.length; length += 1) {
        await expect(inspect(archive.subarray(0, length))).rejects.toMatchObject({ code: "invalid_archive" });
      }
    }
  });
});
