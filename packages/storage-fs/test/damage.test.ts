import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { anonymous } from "@serverless-registry/core";
import { patternBytes, readBlob, storeBytes, testRegistry } from "@serverless-registry/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { fsStorage } from "../src/index.ts";
import { temporaryRoot } from "./harness.ts";

/** A storage with one blob of which one bit is another than was stored. */
async function damaged(size: number, place: number) {
  const { root, cleanup } = await temporaryRoot();
  onTestFinished(cleanup);
  const storage = fsStorage({ root, reserveBytes: 0 });
  const digest = await storeBytes(storage, patternBytes(size));
  const [name = ""] = (await readdir(root, { recursive: true })).filter((path) => path.endsWith(digest));
  const bytes = await readFile(join(root, name));
  bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
  await writeFile(join(root, name), bytes);
  return { storage, digest };
}

test.each([
  ["small", 1000, 0],
  ["small", 1000, 999],
  ["of several pieces", 700_000, 0],
  ["of several pieces", 700_000, 699_999],
])("a damaged blob, %s (%i bytes, wrong at %i), is never read to its end", async (_, size, place) => {
  const { storage, digest } = await damaged(size, place);
  let received = 0;
  const reading = storage.open(digest).then(async (blob) => {
    for await (const chunk of blob?.body ?? []) received += chunk.length;
  });
  await expect(reading).rejects.toThrow("damaged");
  // A client that was promised so many bytes takes them for complete as soon as it has them.
  expect(received).toBeLessThan(size);
});

test("a part of a damaged blob is read as it is: nobody knows its digest", async () => {
  const { storage, digest } = await damaged(700_000, 5);
  expect(await readBlob(storage, digest, { start: 0, end: 299_999 })).toHaveLength(300_000);
});

test("no part of a small archive that is found damaged is served", async () => {
  const { root, cleanup } = await temporaryRoot();
  onTestFinished(cleanup);
  const it = await testRegistry({ storage: fsStorage({ root, reserveBytes: 0 }) });
  onTestFinished(it.cleanup);
  const { sha256 } = await it.publish(await it.user("ada"), { package: "fc", version: "1.0.0" });
  const [name = ""] = (await readdir(root, { recursive: true })).filter((path) => path.endsWith(sha256));
  const bytes = await readFile(join(root, name));
  bytes.writeUInt8(bytes.readUInt8(50) ^ 1, 50);
  await writeFile(join(root, name), bytes);
  for (const range of [undefined, { start: 0, end: 9 }, { start: 45, end: 55 }]) {
    const opening = it.registry.downloads.open(anonymous, { package: "fc", version: "1.0.0", range });
    await expect(opening).rejects.toMatchObject({ code: "unavailable" });
  }
});
