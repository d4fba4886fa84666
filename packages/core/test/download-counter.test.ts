import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { downloadCounter } from "../src/download-counter.ts";
import type { Database } from "../src/ports/database.ts";
import { createRegistry } from "../src/registry.ts";
import { type TestRegistry, testRegistry } from "../src/testing/registry.ts";
import { rows } from "./operations/harness.ts";

let t: TestRegistry;
beforeEach(async () => {
  t = await testRegistry({ database: ":memory:" });
  const ada = await t.user("ada");
  for (const version of ["1.0.0", "1.1.0"]) await t.publish(ada, { package: "fc", version });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(async () => {
  vi.useRealTimers();
  await t.cleanup();
});

/** A counter whose database refuses as many writes as the test says, and is slow when the test says so. */
function start() {
  const trouble = { failures: 0, during: async () => {} };
  const warnings: string[] = [];
  const database: Database = {
    ...t.database,
    async write(work) {
      await trouble.during();
      if (trouble.failures-- > 0) throw new Error("the database is away");
      return t.database.write(work);
    },
  };
  const logger = { info() {}, error() {}, warn: (_: object, message: string) => warnings.push(message) };
  return { trouble, warnings, counter: downloadCounter(database, t.clock, logger) };
}

async function counts(): Promise<unknown> {
  const found = await rows(
    t,
    "select v.downloads_count as v, p.downloads_count as p from Versions v join Packages p order by v.id",
  );
  return found.map(({ v, p }) => `${v}/${p}`).join(" ");
}

/** Lets the time pass, and then the work be done that it set off. */
async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("the counter of downloads", () => {
  test("writes after five seconds, in one batch, with one timer", async () => {
    const { counter } = start();
    for (let at = 0; at < 3; at += 1) counter.count(1, 1);
    counter.count(2, 1);
    expect(vi.getTimerCount()).toBe(1);
    await pass(4999);
    expect(await counts()).toBe("0/0 0/0");
    await pass(1);
    expect(await counts()).toBe("3/4 1/4");
    expect(vi.getTimerCount()).toBe(0);
    expect(await rows(t, "select version_id, day, count from DownloadDays order by version_id")).toEqual([
      { version_id: 1, day: "2025-01-15", count: 3 },
      { version_id: 2, day: "2025-01-15", count: 1 },
    ]);
  });

  test("keeps no process alive", () => {
    vi.useRealTimers();
    const { counter } = start();
    const alive = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = alive();
    counter.count(1, 1);
    expect(alive()).toBe(before);
    return counter.flush();
  });

  test("keeps what could not be written and tries again by itself", async () => {
    const { counter, trouble, warnings } = start();
    trouble.failures = 2;
    counter.count(1, 1);
    await pass(5000);
    expect(warnings).toHaveLength(1);
    counter.count(1, 1);
    expect(vi.getTimerCount()).toBe(1);
    await pass(5000);
    expect(warnings).toHaveLength(2);
    expect(await counts()).toBe("0/0 0/0");
    await pass(5000);
    expect(await counts()).toBe("2/2 0/2");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("tells who asks for a flush that it failed, and still tries again", async () => {
    const { counter, trouble } = start();
    trouble.failures = 1;
    counter.count(1, 1);
    await expect(counter.flush()).rejects.toThrow("the database is away");
    await pass(5000);
    expect(await counts()).toBe("1/1 0/1");
  });

  test("counts what comes while it writes, and nothing twice", async () => {
    const { counter, trouble } = start();
    counter.count(1, 1);
    trouble.during = async () => {
      trouble.during = async () => {};
      counter.count(1, 1);
    };
    await Promise.all([counter.flush(), counter.flush(), counter.flush()]);
    expect(await counts()).toBe("2/2 0/2");
    await pass(5000);
    expect(await counts()).toBe("2/2 0/2");
  });

  test("writes a last time when it is closed, and is silent from then on", async () => {
    const { counter, trouble } = start();
    counter.count(1, 1);
    await counter.close();
    expect(await counts()).toBe("1/1 0/1");
    trouble.failures = 1;
    counter.count(1, 1);
    await expect(counter.close()).rejects.toThrow("the database is away");
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("a registry whose last counts cannot be written closes its database all the same", async () => {
  vi.useRealTimers();
  let closed = 0;
  const inner = t.database;
  const database: Database = {
    ...inner,
    write: () => Promise.reject(new Error("away")),
    async close() {
      closed += 1;
    },
  };
  const registry = createRegistry({ database, storage: t.storage, clock: t.clock });
  (await registry.downloads.open({ kind: "visitor" }, { package: "fc", version: "1.0.0" })).body.destroy();
  await expect(registry.close()).rejects.toThrow("away");
  expect(closed).toBe(1);
});
