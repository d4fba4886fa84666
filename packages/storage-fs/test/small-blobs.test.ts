import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, patternBytes, storeBytes } from "@serverless-registry/core/testing";
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

test("a small blob is read from the disk once, until it is deleted", async () => {
  const storage = fsStorage({ root });
  await storeBytes(storage, bytes);
  expect(await storage.readSmall?.(digest, bytes.length)).toEqual(bytes);
  await rm(pathOf(digest));
  expect(await storage.readSmall?.(digest, bytes.length)).toEqual(bytes);
  expect(await storage.open(digest)).toBeNull();
  await storage.delete(digest);
  expect(await storage.readSmall?.(digest, bytes.length)).toBeNull();
});

test("without memory for it every read asks the disk", async () => {
  const storage = fsStorage({ root, cacheBytes: 0 });
  await storeBytes(storage, bytes);
  expect(await storage.readSmall?.(digest, bytes.length)).toEqual(bytes);
  await rm(pathOf(digest));
  expect(await storage.readSmall?.(digest, bytes.length)).toBeNull();
});

test("bytes that are not those that were stored are not handed out, nor those of large blobs", async () => {
  const storage = fsStorage({ root });
  await storeBytes(storage, bytes);
  const damaged = await readFile(pathOf(digest));
  damaged[500] = (damaged[500] ?? 0) ^ 1;
  await writeFile(pathOf(digest), damaged);
  await expect(storage.readSmall?.(digest, bytes.length)).rejects.toThrow("damaged");
  const large = patternBytes(300_000, 4);
  const largeDigest = await storeBytes(storage, large);
  expect(await storage.readSmall?.(largeDigest, large.length)).toBeNull();
  expect(await storage.readSmall?.(largeDigest, 1)).toBeNull();
  expect(await storage.readSmall?.("no digest", 1)).toBeNull();
});

test("keeps what was read last, within its memory", () => {
  const small = smallBlobs(3 * 1124);
  const hundred = Buffer.alloc(100);
  for (const name of ["a", "b", "c"]) small.keep(name, hundred, 0);
  small.get("a");
  small.keep("d", hundred, 0);
  small.keep("d", hundred, 0);
  expect(["a", "b", "c", "d"].filter((name) => small.get(name) !== undefined)).toEqual(["a", "c", "d"]);
  small.keep("large", Buffer.alloc(2349), 0);
  expect(small.get("large")).toBeUndefined();
  expect(small.get("a")).toBe(hundred);
});

test("counts what an entry occupies beside its bytes", () => {
  const small = smallBlobs(10 * 1024);
  const names = Array.from({ length: 1000 }, (_, at) => `empty ${at}`);
  for (const name of names) small.keep(name, Buffer.alloc(0), 0);
  expect(names.filter((name) => small.get(name) !== undefined)).toEqual(names.slice(-10));
  for (const name of names) small.remove(name);
  small.keep("a", Buffer.alloc(9 * 1024), small.removals());
  expect(small.get("a")).toHaveLength(9 * 1024);
});

test("what was read while something was removed is not kept: it may be that", () => {
  const small = smallBlobs(3000);
  const before = small.removals();
  small.remove("a");
  small.keep("a", Buffer.alloc(100), before);
  expect(small.get("a")).toBeUndefined();
});
