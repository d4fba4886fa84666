import { join } from "node:path";
import { createRegistry } from "@serverless-registry/core";
import { memoryStorage } from "@serverless-registry/core/memory";
import { sqlite } from "@serverless-registry/core/sqlite";
import { expect, test } from "vitest";
import { machine } from "./cli.ts";

const env = { DATABASE_URL: "sqlite:some.db", STORAGE_URL: "file:./packages" };

test("events that were given up are shown, sent again and removed", { timeout: 60_000 }, async () => {
  const { cwd, done } = await machine();
  const registry = createRegistry({
    ...{ database: sqlite({ path: join(cwd, "some.db") }), storage: memoryStorage() },
    events: { listeners: { ear: () => Promise.reject(new Error("not now")) }, maxAttempts: 1 },
  });
  await registry.migrate();
  await registry.sessions.actAs({ username: "ada" });
  await registry.events.deliver();
  await registry.close();

  const { json } = await done(["events", "list", "ear", "--json"], { env });
  const event = { type: "user.register", package: null };
  expect(json).toMatchObject([{ event, attempts: 1, lastError: "not now", state: "dead" }]);
  expect((await done(["events", "list", "ear"], { env })).out).toMatch(/user\.register +- +dead +1 attempt +not now/);
  expect((await done(["events", "redeliver", "ear", "--json"], { env })).json).toEqual({ redelivered: 1 });
  const waiting = await done(["events", "list", "ear", "--state", "waiting", "--json"], { env });
  expect(waiting.json).toMatchObject([{ event, attempts: 0, state: "waiting" }]);
  expect((await done(["events", "discard", "ear", "--json"], { env })).json).toEqual({ discarded: 1 });
  expect((await done(["events", "list", "ear", "--state", "waiting"], { env })).out).toBe("None.\n");
});
