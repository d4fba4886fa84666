import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { fsStorage } from "../../../storage-fs/src/index.ts";
import { memoryStorage } from "../../src/memory/index.ts";
import { createRegistry } from "../../src/registry.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { registries, tamper } from "../operations/harness.ts";

const make = registries();

/** A registry on a database that nobody has migrated. */
function unmigrated() {
  const registry = createRegistry({ database: sqlite({ path: ":memory:" }), storage: memoryStorage() });
  onTestFinished(() => registry.close());
  return registry;
}

test("a registry that is well says how it is and what it holds", async () => {
  const t = await make();
  await t.user("ada");
  const health = await t.registry.health();
  expect(health).toEqual({
    isReady: true,
    database: { state: "ok", schema: "current", latencyMs: expect.any(Number) },
    storage: { state: "ok", freeBytes: null, latencyMs: expect.any(Number) },
    nonces: null,
    load: {
      inspections: { running: 0, queued: 0 },
      passwords: { running: 0, queued: 0 },
      cache: { packages: 0, bytes: 0 },
      unwritten: { downloads: 0, credentialUses: 1 },
    },
  });
  expect(t.registry.load()).toEqual(health.load);
});

test("is not ready before it is migrated", async () => {
  const registry = unmigrated();
  expect(await registry.health()).toMatchObject({ isReady: false, database: { state: "outdated", schema: "behind" } });
  const migrated = unmigrated();
  await migrated.migrate();
  expect(await migrated.health()).toMatchObject({ isReady: true, database: { state: "ok", schema: "current" } });
});

test("serves a database that a newer release has migrated, and not one that lacks a migration", async () => {
  const newer = await make();
  await tamper(newer, "insert into kysely_migration (name, timestamp) values ('9999-later', '2030-01-01')");
  expect(await newer.registry.health()).toMatchObject({ isReady: true, database: { state: "ok", schema: "ahead" } });
  const older = await make();
  await tamper(older, "delete from kysely_migration where name = '0003-take-over'");
  expect(await older.registry.health()).toMatchObject({ isReady: false, database: { schema: "behind" } });
});

test("a folder of archives says how much room is left, and that it is gone", async () => {
  const root = await mkdtemp(join(tmpdir(), "registry-health-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const logged: object[] = [];
  const logger = { info() {}, warn() {}, error: (fields: object) => void logged.push(fields) };
  const t = await make({ storage: fsStorage({ root: join(root, "archives"), reserveBytes: 1 }), logger });
  const { isReady, storage } = await t.registry.health();
  expect([isReady, storage.state]).toEqual([true, "ok"]);
  expect(storage.freeBytes).toBeGreaterThan(0);
  await rename(join(root, "archives"), join(root, "away"));
  await expect
    .poll(async () => (await t.registry.health()).storage, { timeout: 10_000 })
    .toMatchObject({
      state: "failed",
      latencyMs: null,
      freeBytes: null,
    });
  expect((await t.registry.health()).isReady).toBe(false);
  expect(logged).toMatchObject([{ component: "storage", err: { code: "ENOENT" } }]);
});

test("whoever asks while an answer is overdue puts no other question", async () => {
  let asked = 0;
  const silence = Promise.withResolvers<null>();
  const stat = () => {
    asked += 1;
    return silence.promise;
  };
  const logger = { info() {}, warn() {}, error() {} };
  const storage = { ...memoryStorage(), stat };
  const t = await make({ storage, logger, limits: { healthTimeoutMs: 50 } });
  for (let round = 0; round < 2; round += 1) {
    const reports = await Promise.all([t.registry.health(), t.registry.health()]);
    expect(reports.map((report) => [report.isReady, report.storage.state])).toEqual([
      [false, "timeout"],
      [false, "timeout"],
    ]);
  }
  expect(asked).toBe(1);
  silence.resolve(null);
  await expect.poll(async () => (await t.registry.health()).isReady, { timeout: 10_000 }).toBe(true);
});

test("says of a store of one-time values that it does not answer, and stays ready", async () => {
  const nonces = { claim: async () => true, check: () => Promise.reject(new Error("away")) };
  const t = await make({ nonces });
  expect(await t.registry.health()).toMatchObject({ isReady: true, nonces: { state: "failed", latencyMs: null } });
});
