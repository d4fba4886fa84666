import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import { blobsPrefix, type Place } from "./place.ts";

/** Lists, writes, reads and deletes once, so that what is wrong shows when a server starts and not when somebody publishes. */
export async function checkPlace(place: Place): Promise<void> {
  const { client, bucket: Bucket } = place;
  await client.send(new ListObjectsV2Command({ Bucket, Prefix: blobsPrefix(place), MaxKeys: 1 }));
  const probe = { Bucket, Key: `${place.prefix}probe-${randomUUID()}` };
  const written = "The registry may write here.";
  await client.send(new PutObjectCommand({ ...probe, Body: written }));
  try {
    const { Body } = await client.send(new GetObjectCommand(probe));
    const read = await text(Body as Readable);
    if (read !== written) throw new Error(`The store of bucket "${Bucket}" gives back other bytes than it was sent`);
  } finally {
    await client.send(new DeleteObjectCommand(probe));
  }
}
