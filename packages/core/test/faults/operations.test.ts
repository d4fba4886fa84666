import { migrate } from "../../src/db/migrations/index.ts";
import { memoryStorage } from "../../src/memory/index.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { describeFaultedOperations } from "../../src/testing/faulted-operations.ts";
import { temporaryFile } from "../sqlite/files.ts";

describeFaultedOperations("operations on SQLite while calls fail", {
  async create() {
    const { path, remove } = await temporaryFile();
    const database = sqlite({ path, durability: "normal" });
    await migrate(database);
    const cleanup = async () => {
      await database.close();
      await remove();
    };
    const databaseFailure = () => Object.assign(new Error("disk I/O error"), { code: "SQLITE_IOERR_WRITE" });
    return { database, storage: memoryStorage(), databaseFailure, cleanup };
  },
});
