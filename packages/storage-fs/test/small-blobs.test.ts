import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, patternBytes, readBlob, storeBytes } from "@serverless-registry/core/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fsStorage } from "../src/index.ts";
import { smallBlobs } from "../src/small-blobs.ts";
import { temporaryRoot } from "./harness.ts";

let root: string;
let cleanup: () => Promise<void>;

beforeEach(async () => {
  ({ root, cleanup } = await temporaryRoot());
});
afterEach(() => cleanup());

const bytes = patternBytes(1000, 3);
const digest = digestOf(bytes);
const pathOf = (name: string) => join(root, "blobs", name.slice(0, 2), name.slice(2, 4), name);

test("a small blob is read from the disk once, and is gone with its deletion", async () => {
  const storage = fsStorage({ root });
  await storeBytes(storage, bytes);
  expect(await readBlob(storage, digest)).toEqual(bytes);
  await rm(pathOf(digest));
  expect(await readBlob(storage, digest)).toEqual(bytes);
  expect(await readBlob(storage, digest, { start: 10, end: 19 })).toEqual(bytes.subarray(10, 20));
  await expect(storage.open(digest, { start: 0, end: 1000 })).rejects.toMatchObject({ code: "range_not_satisfiable" });
  await storage.delete(digest);
  expect(await storage.open(digest)).toBeNull();
});

test("without memory for it every read asks the disk", async () => {
  const storage = fsStorage({ root, cacheBytes: 0 });
  await storeBytes(storage, bytes);
  expect(await readBlob(storage, digest)).toEqual(bytes);
  await rm(pathOf(digest));
  expect(await storage.open(digest)).toBeNull();
});

test("a flipped bit in a small blob is found before a byte is handed out", async () => {
  const storage = fsStorage({ root });
  await storeBytes(storage, bytes);
  const damaged = await readFile(pathOf(digest));
  damaged[500] = (damaged[500] ?? 0) ^ 1;
  await writeFile(pathOf(digest), damaged);
  await expect(storage.open(digest)).rejects.toThrow(/damaged/);
});

test("whoever changes the bytes they were sent changes nobody else's", async () => {
  const storage = fsStorage({ root });
  await storeBytes(storage, bytes);
  for (let round = 0; round < 2; round += 1) {
    const read = await readBlob(storage, digest);
    expect(read).toEqual(bytes);
    read?.fill(0);
  }
});

test("keeps what was read last, within its memory", () => {
  const small = smallBlobs(300);
  const hundred = Buffer.alloc(100);
  for (const name of ["a", "b", "c"]) small.keep(name, hundred, 0);
  small.get("a");
  small.keep("d", hundred, 0);
  small.keep("d", hundred, 0);
  expect(["a", "b", "c", "d"].filter((name) => small.get(name) !== undefined)).toEqual(["a", "c", "d"]);
  small.keep("large", Buffer.alloc(301), 0);
  expect(small.get("large")).toBeUndefined();
  expect(small.get("a")).toBe(hundred);
});

test("what was read while something was removed is not kept: it may be that", () => {
  const small = smallBlobs(300);
  const before = small.removals();
  small.remove("a");
  small.keep("a", Buffer.alloc(100), before);
  expect(small.get("a")).toBeUndefined();
});
