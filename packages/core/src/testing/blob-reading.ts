import { once } from "node:events";
import { expect } from "vitest";
import type { BlobStorage } from "../ports/blob-storage.ts";
import type { Behaviours } from "./behaviours.ts";
import { digestOf, patternBytes, readAll, readBlob, storeBytes } from "./blobs.ts";

/** What each test of the blob storage suite works on. */
export interface BlobHarness {
  storage: BlobStorage;
}

const MIB = 1024 * 1024;
const absent = digestOf(Buffer.from("never stored"));

/** What a blob storage promises about reading, listing and deleting. */
export const readingBehaviours: Behaviours<BlobHarness> = {
  "answers null for what is not there": async ({ storage }) => {
    expect(await storage.open(absent)).toBeNull();
    expect(await storage.open(absent, { start: 0, end: 0 })).toBeNull();
    expect(await storage.stat(absent)).toBeNull();
  },

  "treats what is no digest as absent": async ({ storage }) => {
    const digest = await storeBytes(storage, Buffer.from("here"));
    for (const name of [
      "",
      "../x",
      `../${digest}`,
      digest.toUpperCase(),
      digest.slice(1),
      `${digest}0`,
      `${digest}\n`,
    ]) {
      expect(await storage.open(name)).toBeNull();
      expect(await storage.stat(name)).toBeNull();
      await storage.delete(name);
    }
    expect(await readBlob(storage, digest)).toEqual(Buffer.from("here"));
  },

  "gives a blob back byte for byte": async ({ storage }) => {
    for (const size of [1, 1000, 256 * 1024, 256 * 1024 + 1, 5 * MIB]) {
      const bytes = patternBytes(size, size);
      const digest = await storeBytes(storage, bytes);
      const blob = await storage.open(digest);
      expect(blob?.size).toBe(size);
      expect(await storage.stat(digest)).toEqual({ size });
      expect(blob && bytes.equals(await readAll(blob.body))).toBe(true);
    }
  },

  "keeps an empty blob": async ({ storage }) => {
    const digest = await storeBytes(storage, Buffer.alloc(0));
    expect(await storage.stat(digest)).toEqual({ size: 0 });
    const blob = await storage.open(digest);
    expect(blob?.size).toBe(0);
    expect(blob && (await readAll(blob.body))).toEqual(Buffer.alloc(0));
    expect(await storage.list(null, 10)).toMatchObject([{ digest, size: 0 }]);
  },

  "reads runs of bytes, both ends included": async ({ storage }) => {
    for (const size of [1000, 3 * MIB]) {
      const bytes = patternBytes(size);
      const digest = await storeBytes(storage, bytes);
      const last = size - 1;
      const runs = [
        [0, 0],
        [last, last],
        [0, last],
        [1, last - 1],
        [size >> 1, (size >> 1) + 99],
        [size >> 2, last],
      ] as const;
      for (const [start, end] of runs) {
        const blob = await storage.open(digest, { start, end });
        expect(blob?.size).toBe(size);
        expect(blob && bytes.subarray(start, end + 1).equals(await readAll(blob.body))).toBe(true);
      }
    }
  },

  "serves many readers of one blob at once": async ({ storage }) => {
    const bytes = patternBytes(MIB);
    const digest = await storeBytes(storage, bytes);
    const copies = await Promise.all(Array.from({ length: 10 }, () => readBlob(storage, digest)));
    expect(copies.every((copy) => copy !== null && bytes.equals(copy))).toBe(true);
  },

  "deletes a blob, and deletes nothing without complaint": async ({ storage }) => {
    const digest = await storeBytes(storage, Buffer.from("short-lived"));
    const other = await storeBytes(storage, Buffer.from("other"));
    await storage.delete(digest);
    expect(await storage.open(digest)).toBeNull();
    expect(await storage.stat(digest)).toBeNull();
    await storage.delete(digest);
    await storage.delete(absent);
    expect(await storage.list(null, 10)).toMatchObject([{ digest: other }]);
  },

  "stores again what was deleted": async ({ storage }) => {
    const bytes = Buffer.from("phoenix");
    const digest = await storeBytes(storage, bytes);
    await storage.delete(digest);
    await storeBytes(storage, bytes);
    expect(await readBlob(storage, digest)).toEqual(bytes);
  },

  "lets a reader finish while the blob is deleted": async ({ storage }) => {
    const bytes = patternBytes(5 * MIB);
    const digest = await storeBytes(storage, bytes);
    const blob = await storage.open(digest);
    await storage.delete(digest);
    expect(await storage.open(digest)).toBeNull();
    expect(blob && bytes.equals(await readAll(blob.body))).toBe(true);
  },

  "lets a reader give up": async ({ storage }) => {
    const bytes = patternBytes(2 * MIB);
    const digest = await storeBytes(storage, bytes);
    const unread = await storage.open(digest);
    unread?.body.destroy();
    const begun = await storage.open(digest);
    if (begun) {
      await once(begun.body, "readable");
      begun.body.destroy();
      await once(begun.body, "close");
    }
    expect(bytes.equals((await readBlob(storage, digest)) ?? Buffer.alloc(0))).toBe(true);
  },

  "lists blobs page by page in the order of their digests": async ({ storage }) => {
    expect(await storage.list(null, 10)).toEqual([]);
    const digests: string[] = [];
    for (let index = 0; index < 25; index += 1) digests.push(await storeBytes(storage, Buffer.from(`blob ${index}`)));
    digests.sort();

    const seen: string[] = [];
    let after: string | null = null;
    for (;;) {
      const page: { digest: string }[] = await storage.list(after, 10);
      seen.push(...page.map((blob) => blob.digest));
      if (page.length < 10) break;
      after = seen.at(-1) ?? null;
    }
    expect(seen).toEqual(digests);
    expect(await storage.list(null, 25)).toHaveLength(25);
    expect(await storage.list(digests[24] ?? null, 5)).toEqual([]);
    expect((await storage.list(digests[11] ?? null, 1))[0]?.digest).toBe(digests[12]);
  },

  "lists sizes and when a blob was last committed": async ({ storage }) => {
    const digest = await storeBytes(storage, patternBytes(1234));
    const first = (await storage.list(null, 10))[0];
    expect(first).toMatchObject({ digest, size: 1234 });
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await storeBytes(storage, patternBytes(1234));
    const second = (await storage.list(null, 10))[0];
    expect((second?.touchedAt ?? 0) - (first?.touchedAt ?? 0)).toBeGreaterThan(900);
  },
};
