import { CopyObjectCommand, HeadBucketCommand, HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import type { Digest } from "@serverless-registry/core";
import { codeOf, isNoSuchObject, statusOf } from "./failures.ts";
import { withFileBody } from "./file-body.ts";
import { type Outgoing, sendInParts } from "./multipart.ts";
import { keyOf, type Place } from "./place.ts";

/** A staged file that is to become a blob. */
export interface Candidate {
  path: string;
  size: number;
  digest: Digest;
  /** Whether an object of this size, too, is damaged and is to be replaced. */
  replaces: boolean;
}

/** Sizes that decide how a file is sent. */
export interface SendSizes {
  /** Larger files are sent in parts. */
  multipartBytes: number;
  partBytes: number;
}

/** A store may lose what it acknowledged, or somebody may delete it meanwhile; so often in a row only when something is broken. */
const maxTries = 3;

/**
 * Makes a file a blob. When it resolves, the store has said that an object of this size is there, and that it is new or was
 * touched just now. An object of another size, or that the candidate replaces, is damaged: it is overwritten without being deleted first.
 */
export async function storeFile(place: Place, candidate: Candidate, sizes: SendSizes): Promise<void> {
  const { digest, size } = candidate;
  const key = keyOf(place, digest);
  if (key === null) throw new Error("A digest is 64 lower-case hexadecimal digits");
  const kept = { ContentType: "application/octet-stream", Metadata: { sha256: digest } };
  const checksums = (await place.client.config.requestChecksumCalculation()) === "WHEN_SUPPORTED";
  const file: Outgoing = { ...candidate, key, kept, checksums };
  let isDamaged = candidate.replaces;
  for (let tries = 1; ; tries += 1) {
    if (size > sizes.multipartBytes)
      await sendLarge(place, file, { partBytes: sizes.partBytes, isDamaged, replaces: candidate.replaces });
    else if (isDamaged) await put(place, file, {});
    else await sendSmall(place, file);
    const stored = await statObject(place, key);
    if (stored?.size === size) return;
    if (tries === maxTries) throw new Error("The store said that it took a blob, and does not have it");
    isDamaged ||= stored !== null;
  }
}

/** Size of an object; null when there is none. */
export async function statObject({ client, bucket }: Place, key: string): Promise<{ size: number } | null> {
  try {
    const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    if (ContentLength === undefined) throw new Error("The store did not say how large an object is");
    return { size: ContentLength };
  } catch (error) {
    if (!isNoSuchObject(error)) throw error;
  }
  // An answer without a body does not tell a missing object from a missing bucket.
  await client.send(new HeadBucketCommand({ Bucket: bucket })).catch((error: unknown) => {
    throw statusOf(error) === 404
      ? Object.assign(new Error("No such bucket", { cause: error }), { code: "NoSuchBucket" })
      : error;
  });
  return null;
}

/** Sends one request that says "if it is not there". A store without conditions gets it without: the bytes are the same. */
async function sendSmall(place: Place, file: Outgoing): Promise<void> {
  try {
    await put(place, file, { IfNoneMatch: "*" });
  } catch (error) {
    const isThere = statusOf(error) === 412;
    if (isThere && (await touch(place, file)) !== "impossible") return;
    // 409: another writer is at it. 501: no conditions here.
    if (!isThere && ![409, 501].includes(statusOf(error))) throw error;
    await put(place, file, {});
  }
}

async function put({ client, bucket }: Place, file: Outgoing, condition: { IfNoneMatch?: string }): Promise<void> {
  const { key, path, size, digest, kept } = file;
  const checksum = file.checksums ? { ChecksumSHA256: Buffer.from(digest, "hex").toString("base64") } : {};
  const object = { Bucket: bucket, Key: key, ...kept, ContentLength: size, ...checksum, ...condition };
  await client.send(withFileBody(new PutObjectCommand(object), { path, start: 0, length: size, sha256: digest }));
}

/** Asks first: of a large file that is there whole nothing is sent. */
async function sendLarge(
  place: Place,
  file: Outgoing,
  { partBytes, isDamaged, replaces }: { partBytes: number; isDamaged: boolean; replaces: boolean },
): Promise<void> {
  const there = isDamaged ? null : await statObject(place, file.key);
  if (there?.size === file.size && (await touch(place, file)) === "touched") return;
  try {
    await sendInParts(place, file, partBytes);
  } catch (error) {
    // The answer to the last request may be all that was lost; where the old object has the same size, nobody can tell.
    const mayBeThere = codeOf(error) === "NoSuchUpload" && !replaces;
    const stored = mayBeThere ? await statObject(place, file.key) : null;
    if (stored?.size !== file.size) throw error;
  }
}

/** Starts a blob's age anew: the object is copied onto itself, which replaces its time and nothing else. */
async function touch(
  { client, bucket }: Place,
  { key, kept }: Outgoing,
): Promise<"touched" | "missing" | "impossible"> {
  const source = `${bucket}/${key.split("/").map(encodeURIComponent).join("/")}`;
  const replaced = { ...kept, MetadataDirective: "REPLACE" as const };
  try {
    await client.send(new CopyObjectCommand({ Bucket: bucket, Key: key, CopySource: source, ...replaced }));
    return "touched";
  } catch (error) {
    if (isNoSuchObject(error)) return "missing";
    // A store that does not copy, or not so large an object, is sent the bytes again.
    if ([400, 405, 501].includes(statusOf(error))) return "impossible";
    throw error;
  }
}
