import type { BlobStorage } from "@serverless-registry/core";
import { messageOf } from "./reasons.ts";
import type { S3Target } from "./targets.ts";

/**
 * A bucket as storage, tried once.
 * @throws Error with what is wrong and what to do
 */
export async function openBucket(target: S3Target): Promise<BlobStorage> {
  const { s3Client, s3Storage } = await import("@serverless-registry/storage-s3");
  const { bucket, prefix, endpoint, downloadEndpoint, region, pathStyle, checksums } = target;
  const clientFor = (address: string | null) =>
    s3Client({
      ...(address === null ? {} : { endpoint: address }),
      ...(region === null ? {} : { region }),
      ...{ forcePathStyle: pathStyle, checksums: checksums === "when_supported" },
    });
  const storage = s3Storage({
    ...{ client: clientFor(endpoint), bucket, prefix },
    ...(downloadEndpoint === null ? {} : { downloadClient: clientFor(downloadEndpoint) }),
  });
  try {
    await storage.check();
  } catch (error) {
    throw new Error(`STORAGE_URL: ${messageOf(error)}`, { cause: error });
  }
  return storage;
}
