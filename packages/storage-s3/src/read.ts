import type { Readable } from "node:stream";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { type ByteRange, type OpenBlob, RegistryError } from "@serverless-registry/core";
import { isNoSuchObject, statusOf } from "./failures.ts";
import { keyOf, type Place } from "./place.ts";
import { continuedStream } from "./resume.ts";
import { statObject } from "./store.ts";

/** The store's answer to a request for an object or a run of it. */
interface Fetched {
  /** Size of the whole object. */
  size: number;
  body: Readable;
}

/**
 * Opens a blob for reading; null when there is none.
 * @throws range_not_satisfiable `range` does not lie inside the blob
 */
export async function openBlob(place: Place, digest: string, range?: ByteRange): Promise<OpenBlob | null> {
  const key = keyOf(place, digest);
  if (key === null) return null;
  if (range !== undefined && !(range.start >= 0 && range.start <= range.end)) return refuseRange(place, key);
  const fetched = await fetchRun(place, key, range).catch((error: unknown) => {
    if (range !== undefined && statusOf(error) === 416) return refuseRange(place, key);
    throw error;
  });
  if (fetched === null) return null;
  const { size } = fetched;
  if (range !== undefined && range.end >= size) {
    fetched.body.destroy();
    return refuseRange(place, key);
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  const body = continuedStream({
    first: fetched.body,
    length: end - start + 1,
    // Of a part nobody knows the digest.
    digest: range === undefined ? digest : null,
    async continueAt(position) {
      const next = await fetchRun(place, key, { start: start + position, end });
      if (next !== null && next.size === size) return next.body;
      next?.body.destroy();
      return null;
    },
  });
  return { size, body };
}

async function refuseRange(place: Place, key: string): Promise<null> {
  const there = await statObject(place, key);
  if (there === null) return null;
  throw new RegistryError("range_not_satisfiable", { details: there });
}

async function fetchRun(place: Place, key: string, range?: ByteRange): Promise<Fetched | null> {
  const { client, bucket } = place;
  const run = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` };
  try {
    const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, ...run }));
    const body = answer.Body as Readable | undefined;
    if (body === undefined) throw new Error("The store answered without a body");
    // It may break before anybody reads it, who then finds it broken.
    body.on("error", () => undefined);
    const total = /\/(\d+)$/.exec(answer.ContentRange ?? "")?.[1];
    if (range !== undefined && total === undefined) {
      body.destroy();
      throw new Error("The store does not serve runs of bytes");
    }
    const size = range === undefined ? answer.ContentLength : Number(total);
    if (size !== undefined) return { size, body };
    const there = await statObject(place, key);
    if (there === null) body.destroy();
    return there && { ...there, body };
  } catch (error) {
    if (isNoSuchObject(error)) return null;
    throw error;
  }
}
