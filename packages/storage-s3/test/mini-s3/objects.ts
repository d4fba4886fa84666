import { copyFile, rm } from "node:fs/promises";
import { checksumHeaders, receive } from "./bodies.ts";
import { type Answer, bucketOf, type Exchange, headerOf } from "./exchange.ts";
import { S3Failure } from "./failure.ts";
import { type Bucket, keptOf, newPath, type StoredObject } from "./state.ts";
import { element, xmlDocument } from "./xml.ts";

/** Requests to an object as a whole. */
export async function onObject(exchange: Exchange): Promise<Answer> {
  const bucket = bucketOf(exchange);
  const { request, key } = exchange;
  switch (request.method) {
    case "PUT":
      return headerOf(exchange, "x-amz-copy-source") === "" ? putObject(exchange) : copyObject(exchange);
    case "GET":
    case "HEAD":
      return getObject(exchange);
    case "DELETE": {
      const object = bucket.get(key);
      bucket.delete(key);
      if (object !== undefined) await rm(object.path, { force: true });
      return { status: 204 };
    }
  }
  throw new S3Failure(405, "MethodNotAllowed");
}

/** @throws S3Failure a condition of a write does not hold */
export function checkWrite(exchange: Exchange, bucket: Bucket): void {
  const current = bucket.get(exchange.key);
  const [match, noneMatch] = [headerOf(exchange, "if-match"), headerOf(exchange, "if-none-match")];
  if (noneMatch !== "" && current !== undefined && (noneMatch === "*" || noneMatch === current.etag)) {
    throw new S3Failure(412, "PreconditionFailed");
  }
  if (match === "") return;
  if (current === undefined) throw new S3Failure(404, "NoSuchKey");
  if (match !== "*" && match !== current.etag) throw new S3Failure(412, "PreconditionFailed");
}

/** Makes an object visible, in place of one that is there. */
export function place(bucket: Bucket, key: string, object: Omit<StoredObject, "modifiedAt">): void {
  const previous = bucket.get(key);
  bucket.set(key, { ...object, modifiedAt: new Date() });
  // Whoever reads it has its file open.
  if (previous !== undefined) rm(previous.path, { force: true }).catch(() => undefined);
}

/** The object that `x-amz-copy-source` names. */
export function copySource(exchange: Exchange): StoredObject {
  const [, name = "", key = ""] = /^\/?([^/]+)\/(.+)$/.exec(headerOf(exchange, "x-amz-copy-source")) ?? [];
  const bucket = exchange.state.buckets.get(name);
  if (bucket === undefined) throw new S3Failure(404, "NoSuchBucket");
  const source = bucket.get(decodeURIComponent(key));
  if (source === undefined) throw new S3Failure(404, "NoSuchKey");
  return source;
}

async function putObject(exchange: Exchange): Promise<Answer> {
  const bucket = bucketOf(exchange);
  const { state, request, signed, key } = exchange;
  checkWrite(exchange, bucket);
  const { md5, ...received } = await receive(state, request, signed);
  try {
    // Once more, in the same turn as the write: of two writers one wins.
    checkWrite(exchange, bucket);
  } catch (error) {
    await rm(received.path, { force: true });
    throw error;
  }
  place(bucket, key, { ...received, ...keptOf(request.headers) });
  return { headers: { etag: received.etag, ...checksumHeaders(received) } };
}

async function copyObject(exchange: Exchange): Promise<Answer> {
  const bucket = bucketOf(exchange);
  const { state, request, key, bucketName } = exchange;
  const source = copySource(exchange);
  const replaces = headerOf(exchange, "x-amz-metadata-directive") === "REPLACE";
  if (source === bucket.get(key) && !replaces) {
    throw new S3Failure(400, "InvalidRequest", { message: `Nothing to change in ${bucketName}/${key}` });
  }
  const path = newPath(state);
  await copyFile(source.path, path);
  checkWrite(exchange, bucket);
  place(bucket, key, { ...source, path, ...(replaces ? keptOf(request.headers) : {}) });
  const parts = element("ETag", source.etag) + element("LastModified", new Date().toISOString());
  return { xml: xmlDocument("CopyObjectResult", parts) };
}

function getObject(exchange: Exchange): Answer {
  const object = bucketOf(exchange).get(exchange.key);
  if (object === undefined) throw new S3Failure(404, "NoSuchKey");
  const { etag, size } = object;
  const [match, noneMatch] = [headerOf(exchange, "if-match"), headerOf(exchange, "if-none-match")];
  if (match !== "" && match !== "*" && match !== etag) throw new S3Failure(412, "PreconditionFailed");
  if (noneMatch === "*" || noneMatch === etag) return { status: 304, headers: { etag } };
  const run = runOf(headerOf(exchange, "range"), size);
  const { start, end } = run ?? { start: 0, end: size - 1 };
  const headers: Record<string, string> = {
    "content-type": "binary/octet-stream",
    ...object.headers,
    ...object.metadata,
    etag,
    "last-modified": object.modifiedAt.toUTCString(),
    "accept-ranges": "bytes",
    "content-length": String(end - start + 1),
  };
  if (headerOf(exchange, "x-amz-checksum-mode") === "ENABLED" && run === null) {
    Object.assign(headers, checksumHeaders(object));
  }
  for (const [name, value] of exchange.query) {
    if (name.startsWith("response-")) headers[name.slice("response-".length)] = value;
  }
  if (run !== null) headers["content-range"] = `bytes ${start}-${end}/${size}`;
  return { status: run === null ? 200 : 206, headers, file: { path: object.path, start, end } };
}

/** The run of bytes that a Range header asks for; null for the whole. */
function runOf(header: string, size: number): { start: number; end: number } | null {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (first === "" && last === "") return null;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size || start > end) throw new S3Failure(416, "InvalidRange");
  return { start, end };
}
