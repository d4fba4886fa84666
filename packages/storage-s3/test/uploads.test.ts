import { readdir } from "node:fs/promises";
import { HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { digestOf, fillStage, storeBytes } from "@serverless-registry/core/testing";
import { describe, expect, test } from "vitest";
import { s3Storage } from "../src/index.ts";
import { bucket } from "./harness.ts";
import { failAlways, failInTurn } from "./mini-s3/faults.ts";
import { expectStored, inParts, keyFor, large, small, start } from "./upload-world.ts";

describe("a blob", () => {
  test("is one object below the prefix, with its digest, and was sent once", async () => {
    const it = await start();
    await storeBytes(it.storage, small);
    expect(it.mini.keys(bucket)).toEqual([keyFor(small)]);
    const head = await it.client.send(new HeadObjectCommand({ Bucket: bucket, Key: keyFor(small) }));
    expect(head.Metadata).toEqual({ sha256: digestOf(small) });
    expect(it.mini.requests.filter((request) => request.startsWith("PUT"))).toHaveLength(1);
  });

  test.each([true, false])(
    "is refused by the store when its bytes are not those of its digest (checksums: %s)",
    async (checksums) => {
      const it = await start({ client: { checksums } });
      const staged = await it.storage.stage();
      await fillStage(staged, small);
      await expect(staged.commit(digestOf(large), small.length)).rejects.toThrow(/Digest|SHA256/i);
      await staged.discard();
      expect(it.mini.keys(bucket)).toEqual([]);
    },
  );

  test("that is there is not sent again in parts, and is touched", async () => {
    const it = await start(inParts);
    await storeBytes(it.storage, large);
    const before = it.mini.requests.length;
    await storeBytes(it.storage, large);
    const requests = it.mini.requests.slice(before).map((request) => request.replace(/[?/].*/, ""));
    expect(requests).toEqual(["HEAD ", "PUT ", "HEAD "]);
    await expectStored(it, large);
  });

  test("is stored by two writers at once, in one request and in parts", async () => {
    const it = await start(inParts);
    const other = s3Storage({
      client: it.client,
      bucket,
      prefix: "registry",
      stagingFolder: it.stagingFolder,
      ...inParts,
    });
    for (const bytes of [small, large]) {
      await Promise.all([it.storage, other, it.storage, other].map((storage) => storeBytes(storage, bytes)));
      await expectStored(it, bytes);
    }
    expect(it.mini.keys(bucket)).toHaveLength(2);
  });

  test.each([
    ["with another size than it should have", 5, {}],
    ["that is said to be damaged", null, { replaces: true }],
  ])("%s is replaced, and never deleted", async (_what, size, options) => {
    const it = await start(inParts);
    for (const bytes of [small, large]) {
      const Body = Buffer.alloc(size ?? bytes.length);
      await it.client.send(new PutObjectCommand({ Bucket: bucket, Key: keyFor(bytes), Body }));
      const staged = await it.storage.stage();
      await fillStage(staged, bytes);
      await staged.commit(digestOf(bytes), bytes.length, options);
      await expectStored(it, bytes);
    }
    expect(it.mini.requests.filter((request) => request.startsWith("DELETE"))).toEqual([]);
  });

  test("that is said to be damaged is not taken for replaced when its upload is gone", async () => {
    const it = await start(inParts);
    const harm = Buffer.alloc(large.length);
    await it.client.send(new PutObjectCommand({ Bucket: bucket, Key: keyFor(large), Body: harm }));
    const staged = await it.storage.stage();
    await fillStage(staged, large);
    // As after another process's sweep of uploads that nobody seems to finish.
    failInTurn(it.mini, /^POST .*uploadId=/, [{ status: 404, code: "NoSuchUpload" }]);
    await expect(staged.commit(digestOf(large), large.length, { replaces: true })).rejects.toThrow("NoSuchUpload");
  });
});

describe("an upload in one request", () => {
  test.each([
    [
      "503 SlowDown, twice",
      [
        { status: 503, code: "SlowDown" },
        { status: 503, code: "SlowDown" },
      ],
      3,
    ],
    ["500", [{ status: 500, code: "InternalError" }], 2],
    ["a connection that closes", [{ hangUp: "before" }], 2],
    ["an answer that is lost", [{ hangUp: "after" }], 3],
    ["a success that stored nothing", [{ pretend: true }], 2],
    ["409, another writer being at it", [{ status: 409, code: "ConditionalRequestConflict" }], 2],
    ["501, no conditional writes", [{ status: 501, code: "NotImplemented" }], 2],
    ["a delay", [{ delayMs: 300 }], 1],
  ] as const)("overcomes %s", async (_what, faults, requests) => {
    const it = await start();
    const failing = failInTurn(it.mini, /^PUT /, faults);
    await storeBytes(it.storage, small);
    expect(failing.met()).toBe(requests);
    await expectStored(it, small);
  });

  test("falls back to sending again where a blob cannot be copied onto itself", async () => {
    const it = await start();
    await storeBytes(it.storage, small);
    // The conditional write is refused with 412 by the server itself, the copy by the fault.
    failInTurn(it.mini, /^PUT /, [null, { status: 501, code: "NotImplemented" }]);
    await storeBytes(it.storage, small);
    await expectStored(it, small);
  });

  test("stores a blob that is deleted while it is touched", async () => {
    const it = await start();
    await storeBytes(it.storage, small);
    it.mini.fault = ({ headers }) => {
      if (headers["x-amz-copy-source"] !== undefined) it.mini.remove(bucket, keyFor(small));
      return undefined;
    };
    await storeBytes(it.storage, small);
    // After the first: refused since it is there, touched when it no longer is, and sent again.
    expect(it.mini.requests.filter((request) => request.startsWith("PUT"))).toHaveLength(1 + 3);
    await expectStored(it, small);
  });

  test("gives up when the store acknowledges and forgets every time", async () => {
    const it = await start();
    failAlways(it.mini, /^PUT /, { pretend: true });
    await expect(storeBytes(it.storage, small)).rejects.toThrow("does not have it");
    expect(await readdir(it.stagingFolder)).toEqual([]);
  });

  test.each([
    [400, "EntityTooLarge"],
    [403, "QuotaExceeded"],
    [507, "XMinioStorageFull"],
    [507, "Whatever"],
  ])("tells a full store from other failures: %i %s", async (status, code) => {
    const it = await start({ client: { checksums: true, maxAttempts: 1 } });
    failAlways(it.mini, /^PUT /, { status, code });
    await expect(storeBytes(it.storage, small)).rejects.toMatchObject({ code: "insufficient_storage" });
  });
});
