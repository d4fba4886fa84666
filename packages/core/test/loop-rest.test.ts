import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { loopRest } from "../src/loop-rest.ts";

/** Keeps the event loop busy. */
async function work(ms: number): Promise<void> {
  for (const endsAt = performance.now() + ms; performance.now() < endsAt; ) await nextTurn();
}

test("there is a rest after work beside a busy event loop, half as long as the work but short, and none beside one that waits", async () => {
  const rest = loopRest();
  await work(50);
  expect(rest(32)).toBe(16);
  await sleep(200);
  expect(rest(32)).toBe(0);
  await work(50);
  expect(rest(10)).toBe(5);
  await work(50);
  expect(rest(10_000)).toBe(100);
});
