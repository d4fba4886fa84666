import type { IncomingMessage } from "node:http";
import { S3Failure } from "./failure.ts";
import type { Signed } from "./signature.ts";
import type { Bucket, State } from "./state.ts";

/** A request whose signature holds. */
export interface Exchange {
  state: State;
  request: IncomingMessage;
  signed: Signed;
  query: URLSearchParams;
  /** Empty for requests to the server itself. */
  bucketName: string;
  /** Empty for requests to a bucket. */
  key: string;
}

/** What is answered. */
export interface Answer {
  /** Default 200. */
  status?: number;
  headers?: Readonly<Record<string, string>>;
  xml?: string;
  /** A run of a file, both ends included; sent for GET, announced for HEAD. */
  file?: { path: string; start: number; end: number };
}

/** @throws S3Failure there is no such bucket */
export function bucketOf({ state, bucketName }: Exchange): Bucket {
  const bucket = state.buckets.get(bucketName);
  if (bucket === undefined) throw new S3Failure(404, "NoSuchBucket", { more: { BucketName: bucketName } });
  return bucket;
}

/** A header's value, empty when it is missing. */
export function headerOf({ request }: Exchange, name: string): string {
  return String(request.headers[name] ?? "");
}
