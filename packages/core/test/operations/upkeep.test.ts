import { migrate } from "../../src/db/migrations/index.ts";
import { memoryStorage } from "../../src/memory/index.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { describeUpkeep } from "../../src/testing/upkeep.ts";
import { temporaryFile } from "../sqlite/files.ts";

describeUpkeep("upkeep on SQLite and memory", {
  async create() {
    const { path, remove } = await temporaryFile();
    const database = sqlite({ path, durability: "normal" });
    await migrate(database);
    const cleanup = async () => {
      await database.close();
      await remove();
    };
    return { database, storage: memoryStorage(), cleanup };
  },
});
