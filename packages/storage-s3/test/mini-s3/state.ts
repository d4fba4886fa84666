import { randomUUID } from "node:crypto";
import { join } from "node:path";

/** Bytes in a file, with what is known of them. */
export interface StoredBytes {
  path: string;
  size: number;
  md5: Buffer;
  etag: string;
  /** Checksums that the sender gave and that held, by algorithm. */
  checksums: Readonly<Record<string, string>>;
}

/** Headers that are kept with an object. */
export interface Kept {
  headers: Readonly<Record<string, string>>;
  metadata: Readonly<Record<string, string>>;
}

/** An object of a bucket. */
export interface StoredObject extends Omit<StoredBytes, "md5">, Kept {
  modifiedAt: Date;
}

/** Objects by key. */
export type Bucket = Map<string, StoredObject>;

/** A multipart upload that was begun and neither completed nor aborted. */
export interface PendingUpload extends Kept {
  bucket: Bucket;
  key: string;
  begunAt: Date;
  parts: Map<number, StoredBytes>;
}

/** Who may sign requests, and for which region. */
export interface Identity {
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
}

/** Everything a server holds. */
export interface State {
  readonly folder: string;
  readonly identity: Identity;
  readonly buckets: Map<string, Bucket>;
  readonly uploads: Map<string, PendingUpload>;
}

/** Path for the bytes of a new object or part. */
export function newPath(state: State): string {
  return join(state.folder, randomUUID());
}

const keptNames = [
  "content-type",
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "expires",
] as const;

/** What of a request's headers is kept with the object. */
export function keptOf(headers: Readonly<Record<string, string | string[] | undefined>>): Kept {
  const kept: Record<string, string> = {};
  for (const name of keptNames) {
    const value = String(headers[name] ?? "").replace(/^aws-chunked(,\s*)?/, "");
    if (value !== "") kept[name] = value;
  }
  const metadata = Object.entries(headers).filter(([name]) => name.startsWith("x-amz-meta-"));
  return { headers: kept, metadata: Object.fromEntries(metadata.map(([name, value]) => [name, String(value)])) };
}
