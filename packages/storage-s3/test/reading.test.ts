import { setTimeout as delay } from "node:timers/promises";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { digestOf, patternBytes, readAll, readBlob, storeBytes } from "@serverless-registry/core/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { bucket, miniStorage } from "./harness.ts";
import { failAlways, failInTurn } from "./mini-s3/faults.ts";

const mebibyte = 1024 * 1024;
const bytes = patternBytes(4 * mebibyte, 7);
const digest = digestOf(bytes);
const key = `registry/blobs/${digest}`;
const get = /^GET .*blobs/;

async function start(checksums: boolean) {
  const it = await miniStorage({ client: { checksums } });
  onTestFinished(() => it.cleanup());
  await storeBytes(it.storage, bytes);
  return it;
}

describe.each([true, false])("a blob that is read (checksums: %s)", (checksums) => {
  test.each([
    ["cut once", [{ cutAfterBytes: mebibyte }]],
    ["cut before its first byte", [{ cutAfterBytes: 0 }]],
    ["cut just before its last byte", [{ cutAfterBytes: bytes.length - 1 }]],
    ["cut three times", [1, 2, 3].map(() => ({ cutAfterBytes: mebibyte }))],
    ["cut, then met with 503", [{ cutAfterBytes: mebibyte }, { status: 503, code: "SlowDown" }]],
    ["ended too early as if that were all", [{ endAfterBytes: mebibyte }]],
  ])("and %s comes whole", async (_what, faults) => {
    const { storage, mini } = await start(checksums);
    const failing = failInTurn(mini, get, faults);
    const blob = await storage.open(digest);
    expect(blob?.size).toBe(bytes.length);
    expect(blob && bytes.equals(await readAll(blob.body))).toBe(true);
    expect(failing.met()).toBe(faults.length + 1);
  });

  test("in part and cut comes as that part", async () => {
    const { storage, mini } = await start(checksums);
    failInTurn(mini, get, [{ cutAfterBytes: 1000 }, { endAfterBytes: 500_000 }]);
    const part = await readBlob(storage, digest, { start: mebibyte, end: 2 * mebibyte });
    expect(part?.equals(bytes.subarray(mebibyte, 2 * mebibyte + 1))).toBe(true);
  });

  test.each([{ cutAfterBytes: 0 }, { endAfterBytes: 0 }])(
    "and never comes further ends in an error: %o",
    async (fault) => {
      const { storage, mini } = await start(checksums);
      failInTurn(mini, get, [{ cutAfterBytes: mebibyte }, ...Array(20).fill(fault)]);
      await expect(readBlob(storage, digest)).rejects.toThrow();
    },
  );

  test("and deleted after it broke off ends in an error", async () => {
    const { storage, mini } = await start(checksums);
    failInTurn(mini, get, [{ cutAfterBytes: mebibyte }]);
    const blob = await storage.open(digest);
    await storage.delete(digest);
    await expect(blob && readAll(blob.body)).rejects.toThrow();
  });

  test("and damaged ends in an error and not cleanly", async () => {
    const { storage, client } = await start(checksums);
    const damaged = Buffer.from(bytes);
    damaged[bytes.length - 1] = 1 + (damaged[bytes.length - 1] ?? 0);
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: damaged }));
    await expect(readBlob(storage, digest)).rejects.toThrow("damaged");
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes.subarray(0, 9) }));
    await expect(readBlob(storage, digest)).rejects.toThrow("damaged");
  });
});

test("a connection that falls silent while the reader waits is replaced", async () => {
  const it = await miniStorage({ client: { checksums: true, idleTimeoutMs: 2000 } });
  onTestFinished(() => it.cleanup());
  const big = patternBytes(24 * mebibyte);
  await storeBytes(it.storage, big);
  const before = it.mini.requests.length;
  const blob = await it.storage.open(digestOf(big));
  if (blob === null) throw new Error("The blob is not there");
  const chunks: Buffer[] = [];
  for await (const chunk of blob.body) {
    chunks.push(chunk as Buffer);
    if (chunks.length === 2) await delay(5000);
  }
  expect(big.equals(Buffer.concat(chunks))).toBe(true);
  expect(it.mini.requests.length - before).toBe(2);
});

test("a range that does not lie inside is refused with the size", async () => {
  const { storage, mini } = await start(true);
  const size = bytes.length;
  for (const [start, end] of [
    [size, size],
    [0, size],
    [size - 1, size],
    [5, 4],
    [-1, 4],
  ] as const) {
    await expect(storage.open(digest, { start, end })).rejects.toMatchObject({
      code: "range_not_satisfiable",
      details: { size },
    });
  }
  failAlways(mini, get, { status: 404, code: "NoSuchKey" });
  expect(await storage.open(digest, { start: 0, end: 1 })).toBeNull();
});
