import { rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createRegistry } from "@serverless-registry/core";
import { sqlite } from "@serverless-registry/core/sqlite";
import { describeUpkeep } from "@serverless-registry/core/testing";
import { fsStorage } from "../src/index.ts";
import { temporaryRoot } from "./harness.ts";

describeUpkeep("upkeep on SQLite and files", {
  async create() {
    const { root, cleanup } = await temporaryRoot();
    const database = sqlite({ path: join(dirname(root), "registry.db"), durability: "normal" });
    const storage = fsStorage({ root, reserveBytes: 0 });
    await createRegistry({ database, storage }).migrate();
    return {
      ...{ database, storage },
      async overwrite(digest, bytes) {
        const path = join(root, "blobs", digest.slice(0, 2), digest.slice(2, 4), digest);
        await (bytes === null ? rm(path) : writeFile(path, bytes));
      },
      async cleanup() {
        await database.close();
        await cleanup();
      },
    };
  },
});
