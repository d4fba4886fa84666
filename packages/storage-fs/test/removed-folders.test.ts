import { rm } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, fillStage, patternBytes, readBlob, storeBytes } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { fsStorage } from "../src/index.ts";
import { temporaryRoot } from "./harness.ts";

test("folders that somebody has removed meanwhile are made again", async () => {
  const { root, cleanup } = await temporaryRoot();
  try {
    const storage = fsStorage({ root, cacheBytes: 0 });
    const bytes = patternBytes(500, 1);
    const digest = await storeBytes(storage, bytes);
    await rm(root, { recursive: true });
    expect(await storeBytes(storage, bytes)).toBe(digest);
    expect(await readBlob(storage, digest)).toEqual(bytes);

    const staged = await storage.stage();
    await fillStage(staged, bytes);
    await rm(join(root, "blobs"), { recursive: true });
    await staged.commit(digestOf(bytes), bytes.length);
    expect(await readBlob(storage, digest)).toEqual(bytes);
  } finally {
    await cleanup();
  }
});
