import { onTestFinished } from "vitest";
import { recycledDatabases } from "../../../../scripts/test/mysql.ts";
import { describeWith } from "../../../../scripts/test/services.ts";
import { mysql } from "../../src/mysql/index.ts";
import { describeDelivering } from "./delivering.ts";
import { describeFailing } from "./failing.ts";
import { testKilled } from "./killed.ts";
import { describeRemoving } from "./removing.ts";

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  const recycled = recycledDatabases(MYSQL_URL);
  const createPlace = async () => {
    const { uri, giveBack } = await recycled.take();
    onTestFinished(giveBack);
    return { place: uri, open: async () => mysql({ uri }) };
  };
  for (const register of [describeDelivering, describeFailing, describeRemoving])
    register("events on MySQL", async () => (await createPlace()).open);
  testKilled("MySQL", createPlace);
});
