import { readdir } from "node:fs/promises";
import { CreateMultipartUploadCommand } from "@aws-sdk/client-s3";
import { digestOf, storeBytes } from "@serverless-registry/core/testing";
import { describe, expect, test } from "vitest";
import { s3Storage } from "../src/index.ts";
import { bucket } from "./harness.ts";
import { failAlways, failInTurn } from "./mini-s3/faults.ts";
import { expectStored, inParts, keyFor, large, start } from "./upload-world.ts";

describe("an upload in parts", () => {
  const part = /^PUT .*partNumber=/;

  test.each([
    ["503 SlowDown for a part", part, [{ status: 503, code: "SlowDown" }]],
    ["a connection that closes within a part", part, [null, { hangUp: "before" }]],
    ["the lost answer to a part", part, [{ hangUp: "after" }]],
    ["the lost answer to the last request", /^POST .*uploadId=/, [{ hangUp: "after" }]],
  ] as const)("overcomes %s", async (_what, pattern, faults) => {
    const it = await start(inParts);
    failInTurn(it.mini, pattern, faults);
    await storeBytes(it.storage, large);
    await expectStored(it, large);
  });

  test.each([
    ["its first part", part, 0],
    ["a part in the middle", part, 1],
    ["its last part", part, 2],
    ["its completion", /^POST .*uploadId=/, 0],
  ])("that fails at %s leaves nothing behind", async (_what, pattern, at) => {
    const it = await start(inParts);
    const refused = { status: 403, code: "AccessDenied" };
    failInTurn(it.mini, pattern, [...Array<null>(at).fill(null), refused]);
    await expect(storeBytes(it.storage, large)).rejects.toThrow("s3:PutObject");
    expect(it.mini.keys(bucket)).toEqual([]);
    expect(it.mini.pendingUploads()).toEqual([]);
    expect(await readdir(it.stagingFolder)).toEqual([]);
    await storeBytes(it.storage, large);
    await expectStored(it, large);
  });

  test("that can neither be finished nor taken back is swept", async () => {
    const it = await start(inParts);
    failAlways(it.mini, /^(PUT|DELETE) .*uploadId=/, { status: 403, code: "AccessDenied" });
    await expect(storeBytes(it.storage, large)).rejects.toThrow();
    expect(it.mini.pendingUploads()).toEqual([keyFor(large)]);
    it.mini.fault = () => undefined;
    const foreign = ["other", "registry/other", `registry/blobs/${digestOf(large)}x`];
    for (const Key of foreign) await it.client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
    expect(await it.storage.sweepStaged(60_000)).toBe(0);
    expect(await it.storage.sweepStaged(-1000)).toBe(1);
    expect(it.mini.pendingUploads().sort()).toEqual(foreign.sort());
  });

  test("has parts of the size that was set, which may not be less than stores want", async () => {
    const it = await start(inParts);
    await storeBytes(it.storage, large);
    expect(it.mini.requests.filter((request) => part.test(request))).toHaveLength(3);
    expect(() => s3Storage({ client: it.client, bucket, partBytes: 1024 * 1024 })).toThrow(RangeError);
  });
});
