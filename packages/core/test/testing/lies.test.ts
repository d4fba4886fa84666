import { expect, test } from "vitest";
import { memoryStorage } from "../../src/memory/index.ts";
import { digestOf, patternBytes, readBlob, storeBytes } from "../../src/testing/blobs.ts";
import { lyingStorage, type StorageLie } from "../../src/testing/lies.ts";

const bytes = patternBytes(200_000);
const digest = digestOf(bytes);

/** A storage that holds the bytes and lies about them. */
async function lying(lie: StorageLie) {
  const real = memoryStorage();
  await storeBytes(real, bytes);
  return { real, storage: lyingStorage(real, { lie }) };
}

test("what is said to be stored is not", async () => {
  const real = memoryStorage();
  expect(await storeBytes(lyingStorage(real, { lie: "loses" }), bytes)).toBe(digest);
  expect(await real.list(null, 1)).toEqual([]);
  expect(await real.sweepStaged(-1)).toBe(0);
});

test("what is there is not found", async () => {
  const { real, storage } = await lying("hides");
  expect([await storage.open(digest), await storage.stat(digest)]).toEqual([null, null]);
  expect(await real.stat(digest)).toEqual({ size: bytes.length });
});

test("what is said to be deleted stays", async () => {
  const { real, storage } = await lying("keeps");
  await storage.delete(digest);
  expect(await real.stat(digest)).toEqual({ size: bytes.length });
});

test.each<[StorageLie, Buffer]>([
  ["shortens", bytes.subarray(0, -1)],
  ["lengthens", Buffer.concat([bytes, Buffer.of(0)])],
  ["damages", Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) ?? 0) ^ 1)])],
])("%s what is read, and says nothing of it", async (lie, wrong) => {
  const { storage } = await lying(lie);
  const blob = await storage.open(digest);
  expect(blob?.size).toBe(bytes.length);
  blob?.body.destroy();
  expect((await readBlob(storage, digest))?.equals(wrong)).toBe(true);
  const range = { start: 10, end: 19 };
  expect((await readBlob(storage, digest, range))?.equals(bytes.subarray(10, 20))).toBe(false);
});

test("about other blobs it tells the truth", async () => {
  const other = patternBytes(1000, 2);
  for (const lie of ["loses", "hides", "shortens", "damages"] as const) {
    const storage = lyingStorage(memoryStorage(), { lie, about: (name) => name === digest });
    expect((await readBlob(storage, await storeBytes(storage, other)))?.equals(other)).toBe(true);
  }
});
