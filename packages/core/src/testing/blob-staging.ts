import { once } from "node:events";
import { access, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Behaviours } from "./behaviours.ts";
import type { BlobHarness } from "./blob-reading.ts";
import { digestOf, fillStage, patternBytes, readBlob, storeBytes } from "./blobs.ts";

const MIB = 1024 * 1024;

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** What a blob storage promises about bytes on their way in. */
export const stagingBehaviours: Behaviours<BlobHarness> = {
  "holds the staged bytes in a local file": async ({ storage }) => {
    const bytes = patternBytes(2 * MIB + 17);
    const staged = await storage.stage();
    await fillStage(staged, bytes);
    expect(bytes.equals(await readFile(staged.path))).toBe(true);
    await staged.discard();
  },

  "keeps the order of chunks of every size": async ({ storage }) => {
    const bytes = patternBytes(300_000);
    const staged = await storage.stage();
    const done = once(staged.writable, "finish");
    for (let at = 0, length = 1; at < bytes.length; at += length, length = (length * 7 + 1) % 9001) {
      length = Math.max(1, length);
      staged.writable.write(bytes.subarray(at, at + length));
    }
    staged.writable.end();
    await done;
    await staged.commit(digestOf(bytes), bytes.length);
    expect(bytes.equals((await readBlob(storage, digestOf(bytes))) ?? Buffer.alloc(0))).toBe(true);
  },

  "shows nothing before commit, and everything after": async ({ storage }) => {
    const bytes = patternBytes(MIB);
    const digest = digestOf(bytes);
    const staged = await storage.stage(bytes.length);
    expect(await storage.stat(digest)).toBeNull();
    await fillStage(staged, bytes);
    expect(await storage.stat(digest)).toBeNull();
    expect(await storage.open(digest)).toBeNull();
    expect(await storage.list(null, 10)).toEqual([]);
    await staged.commit(digest, bytes.length);
    expect(bytes.equals((await readBlob(storage, digest)) ?? Buffer.alloc(0))).toBe(true);
    expect(await exists(staged.path)).toBe(false);
  },

  "does nothing on discard after commit": async ({ storage }) => {
    const bytes = Buffer.from("kept");
    const staged = await storage.stage();
    await fillStage(staged, bytes);
    await staged.commit(digestOf(bytes), bytes.length);
    await staged.discard();
    expect(await readBlob(storage, digestOf(bytes))).toEqual(bytes);
  },

  "leaves nothing after discard": async ({ storage }) => {
    const bytes = patternBytes(MIB);
    const staged = await storage.stage();
    await fillStage(staged, bytes);
    await staged.discard();
    await staged.discard();
    expect(await exists(staged.path)).toBe(false);
    expect(await storage.stat(digestOf(bytes))).toBeNull();
    expect(await storage.list(null, 10)).toEqual([]);
    await expect(staged.commit(digestOf(bytes), bytes.length)).rejects.toThrow();
    expect(await storage.list(null, 10)).toEqual([]);
  },

  "discards a stage that was never written to": async ({ storage }) => {
    const staged = await storage.stage();
    await staged.discard();
    expect(await exists(staged.path)).toBe(false);
  },

  "discards a stage whose writer broke off": async ({ storage }) => {
    const bytes = patternBytes(3 * MIB);
    const staged = await storage.stage(bytes.length);
    staged.writable.write(bytes.subarray(0, 2 * MIB));
    staged.writable.destroy(new Error("the sender hung up"));
    await staged.discard();
    expect(await exists(staged.path)).toBe(false);
    expect(await storage.list(null, 10)).toEqual([]);
  },

  "does not commit what is not complete": async ({ storage }) => {
    const bytes = patternBytes(MIB);
    const open = await storage.stage();
    open.writable.write(bytes);
    await expect(open.commit(digestOf(bytes), bytes.length)).rejects.toThrow();
    await open.discard();
    const broken = await storage.stage();
    broken.writable.write(bytes);
    broken.writable.destroy();
    await expect(broken.commit(digestOf(bytes), bytes.length)).rejects.toThrow();
    await broken.discard();
    expect(await storage.list(null, 10)).toEqual([]);
  },

  "does not commit under another size or under what is no digest": async ({ storage }) => {
    const bytes = patternBytes(1000);
    const digest = digestOf(bytes);
    const wrong: [string, number][] = [
      [digest, 999],
      [digest, 1001],
      ["../x", 1000],
      [digest.toUpperCase(), 1000],
      ["", 1000],
    ];
    for (const [name, size] of wrong) {
      const staged = await storage.stage();
      await fillStage(staged, bytes);
      await expect(staged.commit(name, size)).rejects.toThrow();
      await staged.discard();
      expect(await exists(staged.path)).toBe(false);
    }
    expect(await storage.list(null, 10)).toEqual([]);
  },

  "commits the same content from two stages": async ({ storage }) => {
    const bytes = patternBytes(100_000);
    const digest = digestOf(bytes);
    const stages = await Promise.all([storage.stage(), storage.stage()]);
    await Promise.all(stages.map((staged) => fillStage(staged, bytes)));
    await Promise.all(stages.map((staged) => staged.commit(digest, bytes.length)));
    await storeBytes(storage, bytes);
    expect(await storage.list(null, 10)).toMatchObject([{ digest, size: bytes.length }]);
    expect(bytes.equals((await readBlob(storage, digest)) ?? Buffer.alloc(0))).toBe(true);
    for (const staged of stages) expect(await exists(staged.path)).toBe(false);
  },

  "takes 20 stages at once": async ({ storage }) => {
    const contents = Array.from({ length: 20 }, (_, index) => patternBytes(100_000 + index * 1000, index + 1));
    const digests = await Promise.all(contents.map((bytes) => storeBytes(storage, bytes)));
    for (const [index, digest] of digests.entries()) {
      expect(contents[index]?.equals((await readBlob(storage, digest)) ?? Buffer.alloc(0))).toBe(true);
    }
    expect(await storage.list(null, 100)).toHaveLength(20);
  },

  "sweeps abandoned stages and spares fresh ones": async ({ storage }) => {
    const bytes = patternBytes(50_000);
    const abandoned = await storage.stage();
    await fillStage(abandoned, bytes);
    const blob = await storeBytes(storage, Buffer.from("a blob is no stage"));
    await sleep(2500);
    const fresh = await storage.stage();
    await fillStage(fresh, bytes);
    expect(await storage.sweepStaged(2000)).toBe(1);
    expect(await exists(abandoned.path)).toBe(false);
    await expect(abandoned.commit(digestOf(bytes), bytes.length)).rejects.toThrow();
    await abandoned.discard();
    await fresh.commit(digestOf(bytes), bytes.length);
    expect(await readBlob(storage, blob)).not.toBeNull();
    expect(bytes.equals((await readBlob(storage, digestOf(bytes))) ?? Buffer.alloc(0))).toBe(true);
  },

  "sweeps nothing when there is nothing": async ({ storage }) => {
    expect(await storage.sweepStaged(0)).toBe(0);
    await storeBytes(storage, Buffer.from("done"));
    expect(await storage.sweepStaged(-1000)).toBe(0);
  },
};
