import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { digestOf, patternBytes, readBlob, storeBytes } from "@serverless-registry/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { s3Storage } from "../src/index.ts";
import { bucket, miniStorage } from "./harness.ts";
import { failAlways } from "./mini-s3/faults.ts";

const mebibyte = 1024 * 1024;
const script = fileURLToPath(new URL("send-slowly.ts", import.meta.url));

/** Starts the script against a server that keeps the requests that match waiting; kills it when the first of them is there. */
async function killWithin(request: RegExp, size: number) {
  const it = await miniStorage();
  onTestFinished(() => it.cleanup());
  const { mini, stagingFolder } = it;
  failAlways(mini, request, { delayMs: 60_000 });
  const args = [script, mini.url, bucket, stagingFolder, String(size)];
  const child = spawn(process.execPath, ["--conditions=@serverless-registry/source", ...args], {
    env: { ...process.env, NODE_NO_WARNINGS: "1" },
  });
  const output = text(child.stdout);
  while (child.exitCode === null && !mini.requests.some((one) => request.test(one))) await delay(20);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await output).toBe("staged\n");
  mini.fault = () => undefined;
  return { ...it, storage: s3Storage({ client: it.client, bucket, stagingFolder }) };
}

test.each([
  ["while it sends a small file", /^PUT /, 300_000, 1, 0],
  ["while it sends a part", /^PUT .*partNumber=2/, 12 * mebibyte, 1, 1],
  ["before it completes the parts", /^POST .*uploadId=/, 12 * mebibyte, 1, 1],
] as const)(
  "a process killed %s leaves nothing to see, and what it left is swept",
  async (_when, request, size, files, uploads) => {
    const { storage, mini, stagingFolder } = await killWithin(request, size);
    const bytes = patternBytes(size);
    expect(await storage.stat(digestOf(bytes))).toBeNull();
    expect(await storage.list(null, 10)).toEqual([]);
    expect(await readdir(stagingFolder)).toHaveLength(files);
    expect(mini.pendingUploads()).toHaveLength(uploads);
    expect(await storage.sweepStaged(3_600_000)).toBe(0);
    expect(await storage.sweepStaged(-1000)).toBe(files + uploads);
    expect(await readdir(stagingFolder)).toEqual([]);
    expect(mini.pendingUploads()).toEqual([]);
    // The sender comes again.
    await storeBytes(storage, bytes);
    expect(bytes.equals((await readBlob(storage, digestOf(bytes))) ?? Buffer.alloc(0))).toBe(true);
  },
);
