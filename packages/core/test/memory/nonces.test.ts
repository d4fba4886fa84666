import fc from "fast-check";
import { expect, test } from "vitest";
import { expiryQueue } from "../../src/memory/expiry-queue.ts";
import { memoryNonces } from "../../src/memory/index.ts";
import { standingClock } from "../../src/testing/clock.ts";
import { describeNonceStore } from "../../src/testing/nonce-store.ts";

const lasting = (ttlMs: number) => ({ ttlMs, sinceMs: standingClock().now() });

describeNonceStore("memoryNonces", {
  create: async (clock) => ({ nonces: memoryNonces({ clock }), cleanup: async () => undefined }),
});

test("rejects when full of live claims, forgets none of them, and takes new ones once they expired", async () => {
  const clock = standingClock();
  const nonces = memoryNonces({ clock, maxEntries: 4 });
  await nonces.claim(["a", "b"], lasting(1000));
  clock.advance(500);
  await nonces.claim(["c"], lasting(1000));
  await expect(nonces.claim(["d", "e"], lasting(1000))).rejects.toMatchObject({ code: "unavailable", status: 503 });
  expect(await nonces.claim(["d"], lasting(1000))).toBe(true);
  await expect(nonces.claim(["f"], lasting(1000))).rejects.toMatchObject({ code: "unavailable" });
  for (const held of ["a", "b", "c", "d"]) expect(await nonces.claim([held], lasting(1000))).toBe(false);
  clock.advance(500);
  expect(await nonces.claim(["f", "a"], lasting(1000))).toBe(true);
  await expect(nonces.claim(["g"], lasting(1000))).rejects.toMatchObject({ code: "unavailable" });
});

test("stays small while claims come and expire", async () => {
  const clock = standingClock();
  const nonces = memoryNonces({ clock, maxEntries: 100 });
  for (let index = 0; index < 50_000; index += 1) {
    expect(await nonces.claim([`n${index}`], lasting(99))).toBe(true);
    clock.advance(1);
  }
});

test("the expiry queue gives values back in the order of their times, whatever the order of adding", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50)), fc.nat(60), (times, now) => {
      const queue = expiryQueue();
      for (const [index, at] of times.entries()) queue.add(`${at}:${index}`, at);
      const taken: number[] = [];
      for (let value = queue.takeExpired(now); value !== null; value = queue.takeExpired(now)) {
        taken.push(Number(value.split(":")[0]));
      }
      expect(taken).toEqual(times.filter((at) => at <= now).sort((a, b) => a - b));
    }),
  );
});
