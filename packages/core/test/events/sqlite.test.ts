import { sqlite } from "../../src/sqlite/index.ts";
import { testFile } from "../sqlite/files.ts";
import { describeDelivering } from "./delivering.ts";
import { describeFailing } from "./failing.ts";
import { testKilled } from "./killed.ts";
import { describeRemoving } from "./removing.ts";

for (const register of [describeDelivering, describeFailing, describeRemoving])
  register("events on SQLite", async () => {
    const path = await testFile();
    return async () => sqlite({ path, durability: "normal" });
  });

testKilled("SQLite", async () => {
  const place = await testFile();
  return { place, open: async () => sqlite({ path: place, durability: "normal" }) };
});
