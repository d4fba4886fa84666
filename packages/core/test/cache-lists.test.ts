import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { packageCache } from "../src/cache.ts";
import type { Database } from "../src/ports/database.ts";
import { standingClock } from "../src/testing/clock.ts";

/** A cache over a database that says of foreign changes what the test says, and questions whose answers are numbered. */
function start(options: { changes?: number; maxBytes?: number } = {}) {
  const foreign = { changes: "changes" in options ? options.changes : 1 };
  const clock = standingClock();
  const database = { foreignChanges: () => foreign.changes } as Pick<Database, "foreignChanges"> as Database;
  const cache = packageCache(database, clock, options.maxBytes ?? 100_000);
  let asked = 0;
  const read = (question = "tags", padding = "") =>
    cache.readAll(question, async () => {
      asked += 1;
      return { number: asked, padding };
    });
  const number = async (question?: string) => (await read(question)).number;
  return { foreign, clock, cache, read, number, asked: () => asked };
}

describe("what was found all over the packages", () => {
  test("is kept for a second, and no longer when the clock is set back", async () => {
    const { clock, number } = start();
    expect(await number()).toBe(1);
    clock.advance(999);
    expect(await number()).toBe(1);
    clock.advance(1);
    expect(await number()).toBe(2);
    clock.advance(-1);
    expect(await number()).toBe(3);
  });

  test("is one answer for many at once, and one for each question", async () => {
    const { number, asked } = start();
    expect(new Set(await Promise.all(Array.from({ length: 50 }, () => number())))).toEqual(new Set([1]));
    expect(await number("providers")).toBe(2);
    expect(await number()).toBe(1);
    expect(asked()).toBe(2);
  });

  test("is forgotten when any package changes, also while it is looked for", async () => {
    const { cache, number, asked } = start();
    const first = number();
    cache.forget("a");
    expect(await number()).toBe(2);
    await first;
    expect(await number()).toBe(2);
    cache.forget("b");
    expect(await number()).toBe(3);
    expect(asked()).toBe(3);
  });

  test("is forgotten when another process has changed anything, also while it is looked for", async () => {
    const { foreign, cache, number } = start();
    const slow = Promise.withResolvers<object>();
    const first = cache.readAll("tags", () => slow.promise);
    foreign.changes = 2;
    await nextTurn();
    expect(await number()).toBe(1);
    slow.resolve({ number: 0 });
    expect(await first).toEqual({ number: 0 });
    expect(await number()).toBe(1);
    foreign.changes = 3;
    await nextTurn();
    expect(await number()).toBe(2);
  });

  test("is found anew after a failure, which takes no later answer along", async () => {
    const { cache, number } = start();
    const failing = Promise.withResolvers<never>();
    const failed = cache.readAll("tags", () => failing.promise);
    cache.forget("a");
    expect(await number()).toBe(1);
    failing.reject(new Error("away"));
    await expect(failed).rejects.toThrow("away");
    expect(await number()).toBe(1);
    cache.forget("a");
    await expect(cache.readAll("tags", () => Promise.reject(new Error("away")))).rejects.toThrow("away");
    expect(await number()).toBe(2);
  });

  test("takes an eighth of the memory, and nothing of what is kept of packages", async () => {
    const { cache, read, asked } = start({ maxBytes: 80_000 });
    await cache.read("a", "head", async () => ({ text: "x".repeat(10_000) }));
    // Some 2,300 bytes each: four of them fit.
    for (let at = 0; at < 20; at += 1) await read(`question ${at}`, "x".repeat(1000));
    for (const at of [19, 18, 17, 16]) await read(`question ${at}`);
    expect(asked()).toBe(20);
    await read("question 15");
    expect(asked()).toBe(21);
    expect(cache.recall("a", "head")).toBeDefined();
  });

  test("is kept in place of all others when it alone is larger", async () => {
    const { read, number, asked } = start({ maxBytes: 80_000 });
    await number("small");
    await read("large", "x".repeat(100_000));
    await read("large");
    expect(asked()).toBe(2);
    await number("small");
    expect(asked()).toBe(3);
  });

  test("is not kept where nothing may be, but is still one answer for those who ask at once", async () => {
    const { number, asked } = start({ maxBytes: 0 });
    expect(await Promise.all([number(), number(), number()])).toEqual([1, 1, 1]);
    expect(await number()).toBe(2);
    expect(asked()).toBe(2);
  });

  test("is kept for a second, too, where the database cannot tell of others' changes", async () => {
    const { clock, number } = start({ changes: undefined as never });
    expect(await number()).toBe(1);
    clock.advance(999);
    expect(await number()).toBe(1);
    clock.advance(1);
    expect(await number()).toBe(2);
  });
});
