import { createRegistry } from "@serverless-registry/core";
import { sqlite } from "@serverless-registry/core/sqlite";
import { describeFaultedOperations } from "@serverless-registry/core/testing";
import { miniStorage } from "./harness.ts";

describeFaultedOperations("operations on SQLite and S3 while calls fail", {
  storageOnly: true,
  async create() {
    const { storage, cleanup } = await miniStorage();
    const database = sqlite({ path: ":memory:" });
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
