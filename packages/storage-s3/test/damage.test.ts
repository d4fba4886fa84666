import { PutObjectCommand } from "@aws-sdk/client-s3";
import { digestOf, patternBytes } from "@serverless-registry/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { bucket, miniStorage } from "./harness.ts";

test.each([1000, 700_000])("a damaged blob of %i bytes is never read to its end", async (size) => {
  const { storage, client, cleanup } = await miniStorage();
  onTestFinished(cleanup);
  const digest = digestOf(patternBytes(size));
  const Body = patternBytes(size);
  Body.writeUInt8(Body.readUInt8(0) ^ 1, 0);
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: `registry/blobs/${digest}`, Body }));
  let received = 0;
  const reading = storage.open(digest).then(async (blob) => {
    for await (const chunk of blob?.body ?? []) received += chunk.length;
  });
  await expect(reading).rejects.toThrow("damaged");
  // A client that was promised so many bytes takes them for complete as soon as it has them.
  expect(received).toBeLessThan(size);
});
