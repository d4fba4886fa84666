import { realBucket } from "../../packages/storage-s3/test/harness.ts";
import { temporaryDatabase } from "../../scripts/test/mysql.ts";
import type { EndLater } from "./processes.ts";

/** A new database on a MySQL server, or the same one as each member of a cluster offers it; removed later. */
export async function sharedDatabases(servers: readonly string[], endLater: EndLater): Promise<string[]> {
  const { name, drop } = await temporaryDatabase(servers[0] ?? "");
  endLater(drop);
  return servers.map((server) => new URL(`/${name}`, server).href);
}

/** A new bucket, and how the standalone server is told of it; removed later with all that is in it. */
export async function temporaryBucket(
  env: Readonly<Record<string, string>>,
  endLater: EndLater,
): Promise<{ STORAGE_URL: string; AWS_ACCESS_KEY_ID: string; AWS_SECRET_ACCESS_KEY: string }> {
  const { bucket, cleanup } = await realBucket(env);
  endLater(cleanup);
  const { S3_ENDPOINT, S3_ACCESS_KEY_ID = "", S3_SECRET_ACCESS_KEY = "" } = env;
  return {
    STORAGE_URL: `s3://${bucket}/archives?endpoint=${S3_ENDPOINT}&region=us-east-1`,
    AWS_ACCESS_KEY_ID: S3_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: S3_SECRET_ACCESS_KEY,
  };
}
