import { describeWith } from "../../../../scripts/test/services.ts";
import { migrate } from "../../src/db/migrations/index.ts";
import { memoryStorage } from "../../src/memory/index.ts";
import { engineFailure } from "../../src/testing/engine-failures.ts";
import { describeFaultedOperations } from "../../src/testing/faulted-operations.ts";
import { creators, openUri } from "./databases.ts";

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  const { createMigrated } = creators(MYSQL_URL, openUri);
  describeFaultedOperations("operations on MySQL while calls fail", {
    async create() {
      const { database, cleanup } = await createMigrated();
      await migrate(database);
      return { database, storage: memoryStorage(), databaseFailure: () => engineFailure("mysql"), cleanup };
    },
  });
});
