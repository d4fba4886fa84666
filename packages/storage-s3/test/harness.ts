import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type S3Client,
} from "@aws-sdk/client-s3";
import { type S3Storage, type S3StorageOptions, s3Client, s3Storage } from "../src/index.ts";
import { type MiniS3, startMiniS3 } from "./mini-s3/index.ts";

/** A storage on a server of its own, for the length of one test. */
export interface MiniStorage {
  mini: MiniS3;
  client: S3Client;
  storage: S3Storage;
  stagingFolder: string;
  cleanup(): Promise<void>;
}

/** Storage and client as far as a test wants them otherwise. */
export interface MiniOptions extends Partial<Omit<S3StorageOptions, "client">> {
  client?: Parameters<typeof s3Client>[0];
}

export const bucket = "archives";

/** Starts a server with a bucket, and a storage on it. The client is as for AWS: it sends every checksum it knows. */
export async function miniStorage({ client: clientOptions, ...options }: MiniOptions = {}): Promise<MiniStorage> {
  const stagingFolder = await temporaryFolder();
  const mini = await startMiniS3({ buckets: [bucket] });
  const client = clientOf(mini, clientOptions);
  const storage = s3Storage({ client, bucket, prefix: "registry", stagingFolder, ...options });
  return {
    ...{ mini, client, storage, stagingFolder },
    async cleanup() {
      client.destroy();
      await mini.close();
      await rm(stagingFolder, { recursive: true, force: true });
    },
  };
}

/** A client of a server in this process. */
export function clientOf(mini: MiniS3, options: Parameters<typeof s3Client>[0] = {}): S3Client {
  const { url: endpoint, accessKeyId, secretAccessKey, region } = mini;
  return s3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, checksums: true, ...options });
}

/** A folder among the system's temporary ones. */
export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "storage-s3-"));
}

/** A bucket of its own on a real server, which is removed with all that is in it. */
export async function realBucket(
  env: Readonly<Record<string, string>>,
): Promise<{ client: S3Client; bucket: string; cleanup(): Promise<void> }> {
  const { S3_ENDPOINT = "", S3_ACCESS_KEY_ID = "", S3_SECRET_ACCESS_KEY = "" } = env;
  const credentials = { accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY };
  const client = s3Client({ endpoint: S3_ENDPOINT, credentials });
  const Bucket = `registry-test-${randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket }));
  return {
    ...{ client, bucket: Bucket },
    async cleanup() {
      await emptyBucket(client, Bucket);
      await client.send(new DeleteBucketCommand({ Bucket }));
      client.destroy();
    },
  };
}

/** Removes every object and every upload in progress. */
export async function emptyBucket(client: S3Client, Bucket: string): Promise<void> {
  for (;;) {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
    if (Contents.length === 0) break;
    await Promise.all(Contents.map(({ Key }) => client.send(new DeleteObjectCommand({ Bucket, Key }))));
  }
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
  for (const { Key, UploadId } of Uploads)
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
}
