import { expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { memoryStorage } from "../../src/memory/index.ts";
import { createRegistry } from "../../src/registry.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { registries } from "./harness.ts";

const make = registries();
const fc = { package: "fc", version: "1.0.0" };

test("a registry that is to redirect refuses a storage that signs no addresses", async () => {
  const database = sqlite({ path: ":memory:" });
  expect(() => createRegistry({ database, storage: memoryStorage(), download: "redirect" })).toThrow(TypeError);
  await database.close();
});

test.each(["stream", undefined] as const)("in process too, %s gives no address", async (download) => {
  const storage = { ...memoryStorage(), signedUrl: async () => "https://archives.example/x" };
  const t = await make({ storage, ...(download && { download }) });
  await t.publish(await t.user("ada"), fc);
  expect(await t.registry.downloads.locate(anonymous, fc)).not.toHaveProperty("redirect");
});

test("in process too, an address is signed for the archive's name and the time that was set", async () => {
  const asked: unknown[] = [];
  const storage = {
    ...memoryStorage(),
    signedUrl: async (...call: unknown[]) => `https://archives.example/${asked.push(call)}`,
  };
  const t = await make({ storage, download: "auto", limits: { signedPathTtlMs: 1000 } });
  const { sha256 } = await t.publish(await t.user("ada"), fc);
  const located = await t.registry.downloads.locate(anonymous, fc);
  expect(await located.redirect?.()).toBe("https://archives.example/1");
  expect(asked).toEqual([[sha256, { expiresInMs: 1000, fileName: "fc-1.0.0.zip" }]]);
});
