import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type MultipartUpload,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { codeOf, statusOf } from "./failures.ts";
import { withFileBody } from "./file-body.ts";
import { blobsPrefix, digestOfKey, type Place } from "./place.ts";

/** A file on its way into a bucket. */
export interface Outgoing {
  path: string;
  size: number;
  /** SHA-256 of the whole file in hexadecimal. */
  digest: string;
  key: string;
  /** What is kept with the object. */
  kept: { ContentType: string; Metadata: Record<string, string> };
  /** Whether the store is sent checksum headers that older ones do not know. */
  checksums: boolean;
}

/** An upload that was begun. */
interface Upload {
  Bucket: string;
  Key: string;
  UploadId: string;
}

const maxParts = 10_000;
const partsAtOnce = 2;
const readBytes = 256 * 1024;

/** Sends a file in parts, a few at a time. When it fails, what was sent is taken back. */
export async function sendInParts(place: Place, file: Outgoing, partBytes: number): Promise<void> {
  const { client, bucket } = place;
  const target = { Bucket: bucket, Key: file.key };
  const algorithm = file.checksums ? { ChecksumAlgorithm: "SHA256" as const } : {};
  const begun = await client.send(new CreateMultipartUploadCommand({ ...target, ...file.kept, ...algorithm }));
  if (begun.UploadId === undefined) throw new Error("The store began an upload without an id");
  const upload = { ...target, UploadId: begun.UploadId };
  try {
    const parts = await sendParts(place, {
      file,
      upload,
      partBytes: Math.max(partBytes, Math.ceil(file.size / maxParts)),
    });
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }));
  } catch (error) {
    // What cannot be taken back now is swept later.
    await abort(place, upload).catch(() => undefined);
    throw error;
  }
}

async function sendParts(
  { client }: Place,
  { file, upload, partBytes }: { file: Outgoing; upload: Upload; partBytes: number },
): Promise<CompletedPart[]> {
  const count = Math.ceil(file.size / partBytes);
  const parts: CompletedPart[] = [];
  const failed = new AbortController();
  let next = 0;

  async function sendPart(index: number): Promise<void> {
    const start = index * partBytes;
    const length = Math.min(partBytes, file.size - start);
    const sha256 = await digestOfRun(file.path, start, length);
    const checksum = file.checksums ? { ChecksumSHA256: Buffer.from(sha256, "hex").toString("base64") } : {};
    const part = { PartNumber: index + 1, ...checksum };
    const command = new UploadPartCommand({ ...upload, ...part, ContentLength: length });
    const body = { path: file.path, start, length, sha256 };
    const { ETag } = await client.send(withFileBody(command, body), { abortSignal: failed.signal });
    if (ETag === undefined) throw new Error("The store took a part and did not name it");
    parts[index] = { ...part, ETag };
  }

  async function sendSome(): Promise<void> {
    while (next < count && !failed.signal.aborted) {
      const index = next;
      next += 1;
      await sendPart(index).catch((error: unknown) => {
        failed.abort(error);
        throw error;
      });
    }
  }

  // All of them have ended before anything is taken back: a part that arrives after that would stay.
  await Promise.allSettled(Array.from({ length: Math.min(partsAtOnce, count) }, sendSome));
  if (failed.signal.aborted) throw failed.signal.reason;
  return parts;
}

/** SHA-256 of a run of a file, which is read into one buffer over and over: large files must not leave garbage behind. */
async function digestOfRun(path: string, start: number, length: number): Promise<string> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafeSlow(Math.min(length, readBytes));
  const file = await open(path, "r");
  try {
    for (let done = 0; done < length; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, length - done), start + done);
      if (bytesRead === 0) throw new Error("A staged file became shorter while it was read");
      hash.update(buffer.subarray(0, bytesRead));
      done += bytesRead;
    }
    return hash.digest("hex");
  } finally {
    await file.close();
  }
}

async function abort({ client }: Place, upload: Upload): Promise<void> {
  try {
    await client.send(new AbortMultipartUploadCommand(upload));
  } catch (error) {
    if (codeOf(error) !== "NoSuchUpload") throw error;
  }
}

/** Takes back uploads below the prefix that were begun more than `olderThanMs` ago, and says how many. */
export async function sweepUploads(place: Place, olderThanMs: number): Promise<number> {
  let removed = 0;
  for await (const { Key = "", UploadId, Initiated } of pendingUploads(place)) {
    const isOld = Date.now() - (Initiated?.getTime() ?? Date.now()) > olderThanMs;
    if (UploadId === undefined || !isOld || digestOfKey(place, Key) === null) continue;
    await abort(place, { Bucket: place.bucket, Key, UploadId });
    removed += 1;
  }
  return removed;
}

async function* pendingUploads(place: Place): AsyncGenerator<MultipartUpload> {
  const { client, bucket } = place;
  let marker: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (;;) {
    const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: blobsPrefix(place), ...marker });
    const page = await client.send(command).catch((error: unknown) => {
      // A store that cannot list them has its own way to expire them.
      if (statusOf(error) === 501) return null;
      throw error;
    });
    yield* page?.Uploads ?? [];
    if (!page?.IsTruncated || page.NextKeyMarker === undefined) return;
    marker = {
      KeyMarker: page.NextKeyMarker,
      ...(page.NextUploadIdMarker && { UploadIdMarker: page.NextUploadIdMarker }),
    };
  }
}
