import { stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { memoryStorage } from "../../src/memory/index.ts";
import { describeBlobStorage } from "../../src/testing/blob-storage.ts";
import { digestOf, fillStage, readBlob, storeBytes } from "../../src/testing/blobs.ts";
import { standingClock } from "../../src/testing/clock.ts";

describeBlobStorage("memoryStorage", {
  async create() {
    const storage = memoryStorage();
    return {
      storage,
      async cleanup() {
        await storage.sweepStaged(-1);
      },
    };
  },
});

test("what a reader does to its bytes does not change the blob", async () => {
  const storage = memoryStorage();
  const digest = await storeBytes(storage, Buffer.from("constant"));
  (await readBlob(storage, digest))?.fill(0);
  const blob = await storage.open(digest);
  blob?.body.on("data", (chunk: Buffer) => chunk.fill(0));
  await new Promise((resolve) => blob?.body.once("end", resolve));
  expect(await readBlob(storage, digest)).toEqual(Buffer.from("constant"));
});

test("commit rejects bytes that do not have the digest", async () => {
  const storage = memoryStorage();
  const staged = await storage.stage();
  await fillStage(staged, Buffer.from("one"));
  await expect(staged.commit(digestOf(Buffer.from("two")), 3)).rejects.toThrow(/digest/);
  await staged.discard();
  expect(await storage.list(null, 1)).toEqual([]);
});

test("a range outside the blob is refused, not shortened", async () => {
  const storage = memoryStorage();
  const digest = await storeBytes(storage, Buffer.from("12345"));
  for (const [start, end] of [
    [0, 5],
    [5, 5],
    [3, 2],
    [-1, 2],
  ] as const) {
    await expect(storage.open(digest, { start, end })).rejects.toMatchObject({ code: "range_not_satisfiable" });
  }
});

test("nothing is left in the folder for temporary files", async () => {
  const storage = memoryStorage();
  const committed = await storage.stage();
  await fillStage(committed, Buffer.from("committed"));
  const discarded = await storage.stage();
  await fillStage(discarded, Buffer.from("discarded"));
  const paths = [committed.path, discarded.path];
  for (const path of paths) expect((await stat(path)).mode & 0o777).toBe(0o600);
  await committed.commit(digestOf(Buffer.from("committed")), 9);
  await discarded.discard();
  for (const path of paths) await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
});

test("the age of a blob is told by the clock", async () => {
  const clock = standingClock();
  const storage = memoryStorage({ clock });
  await storeBytes(storage, Buffer.from("aged"));
  clock.advance(5000);
  await storeBytes(storage, Buffer.from("aged"));
  expect(await storage.list(null, 1)).toMatchObject([{ touchedAt: clock.now() }]);
});
