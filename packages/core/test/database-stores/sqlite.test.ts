import { expect, test } from "vitest";
import { databaseNonces } from "../../src/database-stores/nonces.ts";
import { databaseRateLimiter } from "../../src/database-stores/rate-limiter.ts";
import { migrate } from "../../src/db/migrations/index.ts";
import type { Database } from "../../src/ports/database.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { temporaryFile } from "../sqlite/files.ts";
import { expectOneWinner } from "./contest.ts";
import { describeDatabaseStores } from "./suite.ts";

async function open(): Promise<{ database: Database; reopen(): Database; cleanup(): Promise<void> }> {
  const { path, remove } = await temporaryFile();
  const opened: Database[] = [];
  const reopen = () => {
    const database = sqlite({ path, durability: "normal" });
    opened.push(database);
    return database;
  };
  const database = reopen();
  await migrate(database);
  const cleanup = async () => {
    for (const one of opened) await one.close();
    await remove();
  };
  return { database, reopen, cleanup };
}

describeDatabaseStores("sqlite", open);

test("of two processes on one file one wins every claim, and a limit is a limit for both", {
  timeout: 60_000,
}, async () => {
  const { path, remove } = await temporaryFile();
  const database = sqlite({ path });
  await migrate(database);
  await database.close();
  await expectOneWinner({ store: "sqlite", address: path });
  await remove();
});

test("while the file is locked nothing is granted, and rules to be kept locally are", async () => {
  const { path, remove } = await temporaryFile();
  const [database, other] = [sqlite({ path, busyTimeoutMs: 30 }), sqlite({ path })];
  await migrate(database);
  const limiter = databaseRateLimiter(database);
  const full = { name: "login", limit: 1, windowMs: 60_000 };
  await limiter.take(full, "key");
  const held = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const holding = other.write(async () => {
    locked.resolve();
    await held.promise;
  });
  await locked.promise;
  const failure = await databaseNonces(database)
    .claim(["value"], { ttlMs: 1000, sinceMs: 0 })
    .catch((error: unknown) => error);
  expect(database.outage(failure)).toBe("unavailable");
  // What is refused writes nothing, so it need not wait.
  expect(await limiter.take(full, "key")).toMatchObject({ allowed: false, remaining: 0 });
  const rule = { name: "read", limit: 2, windowMs: 60_000 };
  await expect(limiter.take(rule, "key")).rejects.toThrow();
  const verdicts: boolean[] = [];
  for (let at = 0; at < 3; at += 1) verdicts.push((await limiter.take({ ...rule, outage: "local" }, "key")).allowed);
  expect(verdicts).toEqual([true, true, false]);
  held.resolve();
  await holding;
  expect(await limiter.take({ ...rule, outage: "local" }, "key")).toMatchObject({ allowed: true, remaining: 1 });
  await database.close();
  await other.close();
  await remove();
});
