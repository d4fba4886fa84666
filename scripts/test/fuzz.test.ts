import { randomInt } from "node:crypto";
import { expect, test } from "vitest";
import { fuzz } from "../fuzz/run.ts";
import { expressTarget, fastifyTarget } from "../fuzz/target.ts";

const seconds = Number(process.env.FUZZ_SECONDS ?? 20);
const seed = process.env.FUZZ_SEED ?? String(randomInt(1e9));

test(`stays whole under ${seconds} seconds of hostile requests (FUZZ_SEED=${seed})`, {
  timeout: (seconds + 60) * 1000,
}, async ({ onTestFinished }) => {
  const targets = [await fastifyTarget(), await expressTarget()];
  for (const target of targets) onTestFinished(() => target.stop());
  const { faults, ...report } = await fuzz(targets, { seed, ms: seconds * 1000 });
  console.log(JSON.stringify(report, null, 2));
  expect(faults.join("\n\n")).toBe("");
  expect(report.batches).toBeGreaterThan(seconds);
  expect(report.unchangedBatches).toBeGreaterThan(report.batches / 4);
});
