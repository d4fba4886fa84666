import { DeleteObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { BlobStorage, StagedBlob } from "@serverless-registry/core";
import { signAddress } from "./address.ts";
import { checkPlace } from "./check.ts";
import { explaining } from "./failures.ts";
import { listBlobs } from "./list.ts";
import { sweepUploads } from "./multipart.ts";
import { keyOf, type Place, toPrefix } from "./place.ts";
import { openBlob } from "./read.ts";
import { type StagingFolder, stagingFolder } from "./staging.ts";
import { type SendSizes, statObject, storeFile } from "./store.ts";

export { type S3ClientOptions, s3Client } from "./client.ts";

/** Settings of {@link s3Storage}. */
export interface S3StorageOptions {
  /** Reaches the store: `s3Client({ … })`, or a client of yours. */
  client: S3Client;
  /** Bucket that holds everything. It must be there. */
  bucket: string;
  /** What every key begins with, up to a `/`; below it lies nothing else. Default none. */
  prefix?: string;
  /** Local folder for uploads in progress, with room for all of them. Default: one of the user's in the system's temporary folder. */
  stagingFolder?: string;
  /** Larger archives are sent in parts; default 64 MiB. */
  multipartBytes?: number;
  /** Size of a part; default 16 MiB. Stores want at least 5 MiB. */
  partBytes?: number;
  /** Signs addresses of redirected downloads, when downloaders reach the store by another endpoint than the registry does. */
  downloadClient?: S3Client;
}

/** What {@link s3Storage} makes: a storage that can sign addresses and check itself. */
export interface S3Storage extends BlobStorage {
  signedUrl: NonNullable<BlobStorage["signedUrl"]>;
  /**
   * Tries the staging folder and, in the bucket, to list, write, read and delete. Rejects with what is wrong (bucket,
   * credentials, region, endpoint, clock) and what to do about it.
   */
  check(): Promise<void>;
}

const mebibyte = 1024 * 1024;

/**
 * Keeps blobs as objects `<prefix>blobs/<digest>` of a bucket. A blob appears complete or not at all; any number of processes may
 * share bucket and prefix. Bytes on their way in lie in a local file and are sent from there in bounded memory.
 * @throws insufficient_storage `stage`, its stream and `commit`: the local disk, the store or a quota is full
 */
export function s3Storage(options: S3StorageOptions): S3Storage {
  const { client, bucket, downloadClient = client } = options;
  const folder = stagingFolder(options.stagingFolder);
  const sizes = {
    multipartBytes: options.multipartBytes ?? 64 * mebibyte,
    partBytes: options.partBytes ?? 16 * mebibyte,
  };
  if (!(sizes.partBytes >= 5 * mebibyte)) throw new RangeError("partBytes is less than the 5 MiB that stores want");
  const place: Place = { client, bucket, prefix: toPrefix(options.prefix ?? "") };
  const withKey = async <T>(digest: string, absent: T, work: (key: string) => Promise<T>): Promise<T> => {
    const key = keyOf(place, digest);
    return key === null ? absent : explaining(place, () => work(key));
  };

  return {
    async stage(expectedSize = 0) {
      return explaining(place, async () => {
        await folder.prepare(expectedSize);
        return openStage(place, folder, sizes);
      });
    },
    open: (digest, range) => explaining(place, () => openBlob(place, digest, range)),
    stat: (digest) => withKey(digest, null, (key) => statObject(place, key)),
    delete: (digest) =>
      withKey(digest, undefined, async (key) => {
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
      }),
    list: (after, limit) => explaining(place, () => listBlobs(place, after, limit)),
    async sweepStaged(olderThanMs) {
      const files = await folder.sweep(olderThanMs);
      return files + (await explaining(place, () => sweepUploads(place, olderThanMs)));
    },
    signedUrl(digest, wanted) {
      return explaining(place, () => signAddress({ ...place, client: downloadClient }, digest, wanted));
    },
    check: () =>
      explaining(place, async () => {
        await folder.prepare(0);
        await checkPlace(place);
      }),
  };
}

async function openStage(place: Place, folder: StagingFolder, sizes: SendSizes): Promise<StagedBlob> {
  const file = await folder.open();
  let commitment: Promise<void> | null = null;
  let isDiscarded = false;

  async function send(digest: string, size: number, replaces: boolean): Promise<void> {
    if (!file.writable.writableFinished) throw new Error("The staged bytes are not complete");
    if (file.size !== size) throw new Error(`Staged ${file.size} bytes, asked to commit ${size}`);
    await storeFile(place, { path: file.path, size, digest, replaces }, sizes);
  }

  return {
    path: file.path,
    writable: file.writable,
    async commit(digest, size, { replaces = false } = {}) {
      if (commitment !== null || isDiscarded) throw new Error("The staged bytes were committed or discarded before");
      commitment = explaining(place, () => send(digest, size, replaces));
      try {
        await commitment;
      } finally {
        await file.remove().catch(() => undefined);
      }
    },
    async discard() {
      isDiscarded = true;
      await commitment?.catch(() => undefined);
      await file.remove();
    },
  };
}
