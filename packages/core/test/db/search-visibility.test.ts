import { expect, onTestFinished, test } from "vitest";
import { findPackages } from "../../src/db/search.ts";
import { queryTerms } from "../../src/domain/search-terms.ts";
import type { Database } from "../../src/ports/database.ts";
import { testRegistry } from "../../src/testing/index.ts";

test("a package that becomes private between the two questions of a search is left out", async () => {
  const it = await testRegistry();
  onTestFinished(it.cleanup);
  const ada = await it.user("ada");
  await it.publish(ada, { package: "fc", version: "1.0.0" });
  await it.publish(ada, { package: "fc-base", version: "1.0.0" });
  const { database } = it;
  const select: Database["select"] = async (query) => {
    if (query.sql.includes("p.description")) {
      await database.write(async (tx) => {
        await tx.updateTable("Packages").set({ visibility: "private" }).where("name", "=", "fc").execute();
      });
    }
    return database.select(query);
  };
  const filter = { terms: queryTerms("fc"), text: "fc", viewer: null, hiddenIds: [], limit: 20, offset: 0 };
  const asRead = await findPackages(database, filter);
  expect(asRead.map(({ name }) => name)).toEqual(["fc", "fc-base"]);
  const rows = await findPackages({ ...database, select, reader: database.reader }, filter);
  expect(rows.map(({ name }) => name)).toEqual(["fc-base"]);
});
