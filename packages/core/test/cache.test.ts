import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { packageCache } from "../src/cache.ts";
import type { Database } from "../src/ports/database.ts";
import { standingClock } from "../src/testing/clock.ts";

/** A cache over a database that says of foreign changes what the test says, and a load that counts. */
function start(options: { changes?: number; maxBytes?: number } = {}) {
  const foreign = { changes: options.changes };
  const clock = standingClock();
  let asked = 0;
  const foreignChanges = () => {
    asked += 1;
    return foreign.changes;
  };
  const database = { foreignChanges } as Pick<Database, "foreignChanges"> as Database;
  const cache = packageCache(database, clock, options.maxBytes ?? 100_000);
  const loads: string[] = [];
  const read = (name: string, part = "head", value: object | undefined = { name, part }) =>
    cache.read(name, part, async () => {
      loads.push(`${name} ${part}`);
      return value;
    });
  return { foreign, asked: () => asked, clock, cache, loads, read };
}

/** A promise that is kept when the test says so. */
function gate<T>(): { promise: Promise<T>; open: (value: T) => void } {
  let open: (value: T) => void = () => {};
  const promise = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

describe("what was read", () => {
  test("is kept per package and part until the package changes", async () => {
    const { cache, loads, read } = start({ changes: 1 });
    for (let at = 0; at < 3; at += 1) {
      expect(await read("a")).toEqual({ name: "a", part: "head" });
      expect(await read("a", "list")).toEqual({ name: "a", part: "list" });
      expect(await read("b")).toEqual({ name: "b", part: "head" });
    }
    expect(loads).toEqual(["a head", "a list", "b head"]);
    cache.forget("a");
    await read("a");
    await read("a", "list");
    await read("b");
    expect(loads).toEqual(["a head", "a list", "b head", "a head", "a list"]);
  });

  test("is asked for only once per turn of the event loop whether others changed anything", async () => {
    const { foreign, asked, read } = start({ changes: 1 });
    const before = asked();
    await Promise.all(Array.from({ length: 20 }, () => read("a")));
    expect(asked()).toBe(before + 1);
    await nextTurn();
    foreign.changes = 2;
    await read("a");
    expect(asked()).toBe(before + 2);
  });

  test("is not kept when there was nothing, when it failed, or when nothing may be kept", async () => {
    const { cache, loads } = start({ changes: 1 });
    for (let at = 0; at < 2; at += 1) {
      expect(await cache.read("a", "head", async () => void loads.push("nothing"))).toBeUndefined();
      await expect(cache.read("a", "head", () => Promise.reject(new Error("away")))).rejects.toThrow("away");
    }
    expect(loads).toHaveLength(2);
    const off = start({ changes: 1, maxBytes: 0 });
    await off.read("a");
    expect(await off.read("a")).toEqual({ name: "a", part: "head" });
    expect(off.loads).toHaveLength(2);
  });

  test("is thrown out of a full cache, the least used first; what is too large is never kept", async () => {
    const { loads, read } = start({ changes: 1, maxBytes: 5000 });
    const value = { text: "x".repeat(1000) };
    for (const name of ["a", "b", "a", "c", "a", "b"]) await read(name, "head", value);
    expect(loads).toEqual(["a head", "b head", "c head", "b head"]);
    await read("large", "head", { text: "x".repeat(5000) });
    await read("large", "head", { text: "x".repeat(5000) });
    expect(loads.slice(4)).toEqual(["large head", "large head"]);
  });

  test("takes no more than the bound, however many parts of a package are read", async () => {
    const { cache, read } = start({ changes: 1, maxBytes: 200_000 });
    const value = { text: "x".repeat(1000) };
    const parts = Array.from({ length: 500 }, (_, at) => ({ name: `p${at % 25}`, part: `part ${at}` }));
    for (const { name, part } of parts) {
      await read(name, part, value);
      expect(cache.size().bytes).toBeLessThanOrEqual(200_000);
    }
    const kept = parts.filter(({ name, part }) => cache.recall(name, part) !== undefined);
    // Two bytes per character of each of them, at the least.
    expect(kept.length * 2000).toBeLessThanOrEqual(200_000);
    expect(kept.length).toBeGreaterThan(50);
  });

  test("counts once what several read at the same time", async () => {
    const { cache, read } = start({ changes: 1 });
    await read("a");
    const alone = cache.size().bytes;
    cache.forget("a");
    await Promise.all(Array.from({ length: 20 }, () => read("a")));
    expect(cache.size().bytes).toBe(alone);
  });
});

describe("a read that races a change is not kept:", () => {
  test("of the same package by this process", async () => {
    const { cache, loads, read } = start({ changes: 1 });
    const { promise, open } = gate<object>();
    const slow = cache.read("a", "head", () => promise);
    cache.forget("a");
    open({ stale: true });
    expect(await slow).toEqual({ stale: true });
    expect(await read("a")).toEqual({ name: "a", part: "head" });
    expect(loads).toEqual(["a head"]);
  });

  test("by another process, which shows while it is under way or after it", async () => {
    const { foreign, cache, read } = start({ changes: 1 });
    const { promise, open } = gate<object>();
    const slow = cache.read("a", "head", () => promise);
    foreign.changes = 2;
    await nextTurn();
    await read("b");
    open({ stale: true });
    await slow;
    expect(await read("a")).toEqual({ name: "a", part: "head" });
    foreign.changes = 3;
    await nextTurn();
    expect(await read("a", "head", { fresh: true })).toEqual({ fresh: true });
  });
});

describe("where the database cannot tell of foreign changes", () => {
  test("nothing is kept for longer than a second, counted from before it was read", async () => {
    const { clock, cache, loads, read } = start();
    await cache.read("a", "head", async () => {
      clock.advance(600);
      return { old: true };
    });
    clock.advance(399);
    expect(await read("a")).toEqual({ old: true });
    await read("a", "list");
    clock.advance(1);
    expect(await read("a")).toEqual({ name: "a", part: "head" });
    await read("a", "list");
    expect(loads).toEqual(["a list", "a head", "a list"]);
  });

  test("nor is a part whose reading began before that of another, and ended after it", async () => {
    const { clock, cache, read } = start();
    const { promise, open } = gate<object>();
    const slow = cache.read("a", "slow", () => promise);
    clock.advance(600);
    await read("a");
    open({ old: true });
    await slow;
    expect(cache.recall("a", "slow")).toEqual({ old: true });
    clock.advance(400);
    expect(cache.recall("a", "slow")).toBeUndefined();
  });

  test("nor when the clock is set back", async () => {
    const { clock, loads, read } = start();
    await read("a");
    clock.advance(-3_600_000);
    await read("a");
    expect(loads).toHaveLength(2);
  });
});
