import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { semaphore } from "../src/semaphore.ts";

/** Work that ends when told to. */
function gate(): { open(): void; closed: Promise<void> } {
  let open: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), closed };
}

test("returns what the work returns, and fails as it fails", async () => {
  const one = semaphore({ running: 1, queued: 0 });
  expect(await one.run(async () => 42)).toBe(42);
  await expect(one.run(async () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  await expect(
    one.run(() => {
      throw new Error("broken at once");
    }),
  ).rejects.toThrow("broken at once");
  expect(await one.run(async () => "free again")).toBe("free again");
});

test("refuses beyond the queue without starting the work, and says when to try again", async () => {
  const two = semaphore({ running: 1, queued: 1 });
  const first = gate();
  const running = two.run(() => first.closed);
  const waiting = two.run(async () => "waited");
  let started = false;
  const refused = two.run(async () => {
    started = true;
  });
  await expect(refused).rejects.toMatchObject({ code: "overloaded", status: 503, retryAfterMs: 1000 });
  first.open();
  await running;
  expect(await waiting).toBe("waited");
  expect(started).toBe(false);
});

test("admits in the order of asking, and nobody overtakes", async () => {
  const one = semaphore({ running: 1, queued: 10 });
  const order: number[] = [];
  const turns = [0, 1, 2, 3].map((turn) =>
    one.run(async () => {
      order.push(turn);
      await Promise.resolve();
    }),
  );
  const late = turns[0]?.then(() => one.run(async () => void order.push(99)));
  await Promise.all([...turns, late]);
  expect(order).toEqual([0, 1, 2, 3, 99]);
});

test("never runs more at once than it has places, whatever the work takes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.nat(3), { maxLength: 30 }),
      async (running, lengths) => {
        const places = semaphore({ running, queued: 100 });
        let active = 0;
        let most = 0;
        await Promise.all(
          lengths.map((length, index) =>
            places
              .run(async () => {
                active += 1;
                most = Math.max(most, active);
                await nextTurn();
                for (let step = 0; step < length; step += 1) await Promise.resolve();
                active -= 1;
                if (index % 3 === 0) throw new Error("some fail");
              })
              .catch(() => undefined),
          ),
        );
        expect(most).toBe(Math.min(running, lengths.length));
        expect(active).toBe(0);
      },
    ),
  );
});

test("refuses settings that would let nothing run", () => {
  expect(() => semaphore({ running: 0, queued: 1 })).toThrow(RangeError);
  expect(() => semaphore({ running: Number.NaN, queued: 1 })).toThrow(RangeError);
  expect(() => semaphore({ running: 1, queued: -1 })).toThrow(RangeError);
});

test("leaves a place empty for a while after the work, without keeping its caller waiting", async () => {
  const took: number[] = [];
  const restMs = (ms: number) => {
    took.push(ms);
    return 150;
  };
  const one = semaphore({ running: 1, queued: 10, restMs });
  const startedAt = performance.now();
  const first = one.run(async () => "first");
  const second = one.run(async () => performance.now());
  expect(await first).toBe("first");
  expect(one.load()).toEqual({ running: 1, queued: 1 });
  expect((await second) - startedAt).toBeGreaterThan(145);
  expect(took).toHaveLength(2);
  expect(took[0]).toBeGreaterThanOrEqual(0);
  await expect.poll(() => one.load()).toEqual({ running: 0, queued: 0 });
});
