import { describe, expect, test } from "vitest";
import { recentCounts } from "../src/recent-counts.ts";
import { standingClock } from "../src/testing/clock.ts";

function start() {
  const clock = standingClock();
  const counts = recentCounts(clock);
  let asked = 0;
  const read = (kind = "tags") =>
    counts.read(kind, async () => {
      asked += 1;
      return [{ name: kind, packages: asked }];
    });
  return { clock, counts, read, asked: () => asked };
}

describe("recent counts", () => {
  test("are kept for a second, whichever way the clock is set", async () => {
    for (const step of [1, -1]) {
      const { clock, read } = start();
      expect(await read()).toEqual([{ name: "tags", packages: 1 }]);
      clock.advance(step * 999);
      expect(await read()).toEqual([{ name: "tags", packages: 1 }]);
      clock.advance(step);
      expect(await read()).toEqual([{ name: "tags", packages: 2 }]);
    }
  });

  test("are one question for many at once, and one for each kind", async () => {
    const { read, asked } = start();
    const many = await Promise.all(Array.from({ length: 50 }, () => read()));
    expect(new Set(many.map((counts) => counts[0]?.packages))).toEqual(new Set([1]));
    expect(await read("providers")).toEqual([{ name: "providers", packages: 2 }]);
    expect(asked()).toBe(2);
  });

  test("are forgotten on demand, also while they are being made", async () => {
    const { counts, read, asked } = start();
    const first = read();
    counts.forget();
    expect(await read()).toEqual([{ name: "tags", packages: 2 }]);
    await first;
    expect(await read()).toEqual([{ name: "tags", packages: 2 }]);
    expect(asked()).toBe(2);
  });

  test("that failed are made anew, and do not take later ones along", async () => {
    const { counts, read } = start();
    const failing = Promise.withResolvers<never>();
    const failed = counts.read("tags", () => failing.promise);
    counts.forget();
    expect(await read()).toEqual([{ name: "tags", packages: 1 }]);
    failing.reject(new Error("away"));
    await expect(failed).rejects.toThrow("away");
    expect(await read()).toEqual([{ name: "tags", packages: 1 }]);
    counts.forget();
    await expect(counts.read("tags", () => Promise.reject(new Error("away")))).rejects.toThrow("away");
    expect(await read()).toEqual([{ name: "tags", packages: 2 }]);
  });
});
