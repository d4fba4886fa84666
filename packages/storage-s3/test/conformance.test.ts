import { rm } from "node:fs/promises";
import { describeBlobStorage } from "@serverless-registry/core/testing";
import { afterAll, beforeAll, describe } from "vitest";
import { describeWith } from "../../../scripts/test/services.ts";
import { s3Storage } from "../src/index.ts";
import { emptyBucket, miniStorage, realBucket, temporaryFolder } from "./harness.ts";

const mebibyte = 1024 * 1024;

describeBlobStorage("s3Storage, the SDK's own checksums", { create: () => miniStorage() });

describeBlobStorage("s3Storage, no checksums", { create: () => miniStorage({ client: { checksums: false } }) });

describeBlobStorage("s3Storage, everything in parts", {
  create: () => miniStorage({ multipartBytes: 0, partBytes: 5 * mebibyte, prefix: "" }),
});

describeWith(["s3"], (env) => {
  describe.each([
    ["in one request", {}],
    ["in parts", { multipartBytes: 0, partBytes: 5 * mebibyte }],
  ])("a real server, %s", (_how, sizes) => {
    let real: Awaited<ReturnType<typeof realBucket>>;
    beforeAll(async () => {
      real = await realBucket(env);
    });
    afterAll(() => real.cleanup());

    describeBlobStorage("s3Storage", {
      async create() {
        const stagingFolder = await temporaryFolder();
        const { client, bucket } = real;
        return {
          storage: s3Storage({ client, bucket, prefix: "some/registry", stagingFolder, ...sizes }),
          async cleanup() {
            await emptyBucket(client, bucket);
            await rm(stagingFolder, { recursive: true, force: true });
          },
        };
      },
    });
  });
});
