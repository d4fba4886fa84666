import { expect, test } from "vitest";
import { memoryStorage } from "../../src/memory/index.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { copyRegistry } from "../../src/transfer/index.ts";
import { opened, testFile } from "../sqlite/files.ts";
import { inShort, instance } from "./world.ts";

test("a copy of a registry takes along what was not delivered, was given up, or was delivered lately", async () => {
  const heard: string[] = [];
  const source = await instance(sqlite({ path: await testFile(), durability: "normal" }), {
    listeners: {
      ear(event) {
        if (event.package === "fc") throw new Error("not now");
      },
    },
    maxAttempts: 1,
  });
  const ada = await source.user("ada");
  await source.publish(ada, { package: "fc", version: "1.0.0" });
  await source.registry.events.deliver();
  await source.registry.packages.deprecate(ada, { package: "fc" });
  const to = {
    database: opened(sqlite({ path: await testFile(), durability: "normal" })),
    storage: memoryStorage(),
  };
  const report = await copyRegistry({ from: { database: source.database, storage: source.storage }, to });
  expect(report.isComplete).toBe(true);
  const copy = await instance(to.database, { listeners: { ear: (event) => void heard.push(inShort(event)) } });
  for (const state of ["waiting", "dead", "delivered"] as const) {
    const expected = await source.registry.events.list({ target: "ear", state });
    expect(expected.length, state).toBeGreaterThan(0);
    expect(await copy.registry.events.list({ target: "ear", state }), state).toEqual(expected);
  }
  copy.clock.advance(source.clock.now() - copy.clock.now());
  expect(await copy.registry.events.deliver()).toMatchObject({ delivered: 1, nextDueInMs: null });
  expect(heard).toEqual(["package.deprecate fc"]);
});
