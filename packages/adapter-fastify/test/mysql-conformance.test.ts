import { mysql } from "@serverless-registry/core/mysql";
import { describeHttpAdapter } from "@serverless-registry/core/testing";
import { recycledDatabases } from "../../../scripts/test/mysql.ts";
import { describeWith } from "../../../scripts/test/services.ts";
import { startFastify } from "./harness.ts";

const needsSecret = "a registry on MySQL has a server secret";

/** What the suite shows on SQLite alone. */
const skip = [
  { test: "makes no API key without a server secret, and says so", reason: needsSecret },
  { test: "has no API keys without a server secret, so that no signature holds", reason: needsSecret },
  {
    test: "exercised every route of the table and each of its failures (needs the whole suite)",
    reason: `${needsSecret}, so the failure without one is left out`,
  },
];

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  const databases = recycledDatabases(MYSQL_URL);
  describeHttpAdapter("registryPlugin on MySQL", {
    start: startFastify,
    skip,
    async createDatabase() {
      const { uri, giveBack } = await databases.take();
      return { database: mysql({ uri }), cleanup: async () => giveBack() };
    },
  });
});
