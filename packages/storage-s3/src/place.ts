import type { S3Client } from "@aws-sdk/client-s3";
import type { Digest } from "@serverless-registry/core";

/** Where objects lie, and by what they are reached. */
export interface Place {
  readonly client: S3Client;
  readonly bucket: string;
  /** Empty, or ends with `/`. */
  readonly prefix: string;
}

const digestPattern = /^[0-9a-f]{64}$/;

/** What every blob's key begins with. */
export function blobsPrefix({ prefix }: Place): string {
  return `${prefix}blobs/`;
}

/** Key of a blob, or null when `digest` is none: what a caller passes never becomes part of a key otherwise. */
export function keyOf(place: Place, digest: Digest): string | null {
  return digestPattern.test(digest) ? blobsPrefix(place) + digest : null;
}

/** The blob that a key names, or null for what is none of ours. */
export function digestOfKey(place: Place, key: string): Digest | null {
  const prefix = blobsPrefix(place);
  const name = key.slice(prefix.length);
  return key.startsWith(prefix) && digestPattern.test(name) ? name : null;
}

/** A prefix as it stands in keys: no slash before it, one behind it. */
export function toPrefix(text: string): string {
  const trimmed = text.replace(/^\/+|\/+$/g, "");
  return trimmed === "" ? "" : `${trimmed}/`;
}
