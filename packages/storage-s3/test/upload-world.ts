import { readdir } from "node:fs/promises";
import { digestOf, patternBytes, readBlob } from "@serverless-registry/core/testing";
import { expect, onTestFinished } from "vitest";
import { type MiniOptions, type MiniStorage, miniStorage } from "./harness.ts";

const mebibyte = 1024 * 1024;

/** An archive that is sent in one request. */
export const small = patternBytes(300_000);

/** One that is sent in three parts, with these options. */
export const large = patternBytes(12 * mebibyte + 5, 3);
export const inParts = { multipartBytes: 6 * mebibyte, partBytes: 5 * mebibyte };

/** Where the storage keeps an archive. */
export const keyFor = (bytes: Buffer) => `registry/blobs/${digestOf(bytes)}`;

/** A storage for the length of the test. */
export async function start(options?: MiniOptions): Promise<MiniStorage> {
  const made = await miniStorage(options);
  onTestFinished(() => made.cleanup());
  return made;
}

/** That an archive is there, and nothing is left of how it came there. */
export async function expectStored({ storage, mini, stagingFolder }: MiniStorage, bytes: Buffer): Promise<void> {
  expect(bytes.equals((await readBlob(storage, digestOf(bytes))) ?? Buffer.alloc(0))).toBe(true);
  expect(mini.pendingUploads()).toEqual([]);
  expect(await readdir(stagingFolder)).toEqual([]);
}
