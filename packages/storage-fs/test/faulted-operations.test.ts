import { dirname, join } from "node:path";
import { createRegistry } from "@serverless-registry/core";
import { sqlite } from "@serverless-registry/core/sqlite";
import { describeFaultedOperations } from "@serverless-registry/core/testing";
import { fsStorage } from "../src/index.ts";
import { temporaryRoot } from "./harness.ts";

describeFaultedOperations("operations on SQLite and files while calls fail", {
  storageOnly: true,
  async create() {
    const { root, cleanup } = await temporaryRoot();
    const database = sqlite({ path: join(dirname(root), "registry.db"), durability: "normal" });
    const storage = fsStorage({ root, reserveBytes: 0 });
    await createRegistry({ database, storage }).migrate();
    const databaseFailure = () => Object.assign(new Error("disk I/O error"), { code: "SQLITE_IOERR_WRITE" });
    return {
      ...{ database, storage, databaseFailure },
      async cleanup() {
        await database.close();
        await cleanup();
      },
    };
  },
});
