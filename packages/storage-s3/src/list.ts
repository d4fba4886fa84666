import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import type { Digest, StoredBlob } from "@serverless-registry/core";
import { blobsPrefix, digestOfKey, type Place } from "./place.ts";

const maxKeys = 1000;

/** Blobs in ascending order of digests, after `after`, at most `limit`. */
export async function listBlobs(place: Place, after: Digest | null, limit: number): Promise<StoredBlob[]> {
  const { client, bucket } = place;
  const Prefix = blobsPrefix(place);
  const blobs: StoredBlob[] = [];
  let from = Prefix + (after ?? "");
  while (blobs.length < limit) {
    const MaxKeys = Math.min(maxKeys, limit - blobs.length);
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix, StartAfter: from, MaxKeys }));
    for (const { Key = "", Size = 0, LastModified } of page.Contents ?? []) {
      const digest = digestOfKey(place, Key);
      if (digest !== null) blobs.push({ digest, size: Size, touchedAt: LastModified?.getTime() ?? 0 });
      from = Key;
    }
    if (!page.IsTruncated || (page.Contents ?? []).length === 0) break;
  }
  return blobs;
}
