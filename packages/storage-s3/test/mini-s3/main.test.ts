import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { HeadBucketCommand } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { s3Client } from "../../src/index.ts";

test("as a process of its own it says where it is, serves, and ends when it is told to", async () => {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const env = { ...process.env, S3_ACCESS_KEY_ID: "a-key", S3_SECRET_ACCESS_KEY: "a-secret" };
  const child = spawn(process.execPath, [main, "0", "a-bucket"], { env, stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  try {
    const [endpoint] = (await once(createInterface(child.stdout), "line")) as [string];
    const credentials = { accessKeyId: "a-key", secretAccessKey: "a-secret" };
    const client = s3Client({ endpoint, credentials });
    const { $metadata } = await client.send(new HeadBucketCommand({ Bucket: "a-bucket" }));
    expect($metadata.httpStatusCode).toBe(200);
    client.destroy();
  } finally {
    child.kill("SIGTERM");
  }
  expect(await exited).toEqual([0, null]);
});
