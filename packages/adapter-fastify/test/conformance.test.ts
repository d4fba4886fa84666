import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeHttpAdapter } from "@serverless-registry/core/testing";
import { fsStorage } from "@serverless-registry/storage-fs";
import { startFastify } from "./harness.ts";

describeHttpAdapter("registryPlugin", {
  start: startFastify,
  async createStorage() {
    const root = await mkdtemp(join(tmpdir(), "registry-blobs-"));
    return { storage: fsStorage({ root }), cleanup: () => rm(root, { recursive: true, force: true }) };
  },
});
