import { expect, test } from "vitest";
import { probe } from "../../src/probe.ts";

test("gives one answer to all who ask, until it is old", async () => {
  let asked = 0;
  const check = async () => {
    asked += 1;
    return asked;
  };
  const ask = probe(check, { timeoutMs: 1000, keepMs: 60_000 });
  const results = await Promise.all([ask(), ask()]);
  expect(await ask()).toBe(results[0]);
  expect([asked, results[0]]).toEqual([1, { state: "ok", value: 1, latencyMs: expect.any(Number) }]);
  const impatient = probe(check, { timeoutMs: 1000, keepMs: 0 });
  await impatient();
  await impatient();
  expect(asked).toBe(3);
});

test("says what failed, also before there was a promise", async () => {
  const error = new Error("away");
  const ask = (check: () => Promise<void>) => probe(check, { timeoutMs: 1000 })();
  expect(await ask(() => Promise.reject(error))).toEqual({ state: "failed", error });
  const throwing = () => {
    throw error;
  };
  expect(await ask(throwing)).toEqual({ state: "failed", error });
});

test("an answer that came too late counts for whoever asks next", async () => {
  const late = Promise.withResolvers<string>();
  let asked = 0;
  const check = () => {
    asked += 1;
    return late.promise;
  };
  const ask = probe(check, { timeoutMs: 20, keepMs: 0 });
  expect(await ask()).toEqual({ state: "timeout" });
  const next = ask();
  late.resolve("well");
  expect(await next).toMatchObject({ state: "ok", value: "well" });
  expect(asked).toBe(1);
});
