import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RegistryError } from "../../src/errors.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { type Damage, damaged, everyKind, tellingWords } from "./damage.ts";
import { inspector } from "./harness.ts";

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

const edit: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at: fc.nat(), byte: fc.integer({ min: 1, max: 255 }) }),
  fc.record({
    kind: fc.constant("word" as const),
    at: fc.nat(),
    value: fc.constantFrom(...tellingWords),
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

describe("damaged archives", () => {
  const inspect = inspector();

  test("are accepted or refused with a finding, never anything else", async () => {
    const archives = await everyKind();
    for (const archive of archives) await inspect(archive);
    const verdicts = new Set<unknown>();
    await fc.assert(
      fc.asyncProperty(fc.nat(2), fc.array(edit, { minLength: 1, maxLength: 3 }), async (index, edits) => {
        const bytes = edits.reduce(damaged, archives[index] ?? Buffer.alloc(0));
        const error = await inspect(bytes, { timeMs: 5000 }).then(
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
