import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { runUntilKilled } from "../killed-process.ts";
import { fileParts, registryOn, smallRegistry, testFolder } from "./parts.ts";

const script = fileURLToPath(new URL("copy-process.ts", import.meta.url));

const copyInProcess = (...args: string[]) =>
  runUntilKilled<{ isComplete: boolean; copied: number; calls: number }>(script, args);

test("killed at any point, another run goes on", { timeout: 120_000 }, async () => {
  const { parts } = await smallRegistry();
  const source = join(parts.path, "..");
  const whole = await copyInProcess(source, await testFolder());
  expect(whole).toMatchObject({ isComplete: true, copied: 2 });
  const calls = whole?.calls ?? 0;
  expect(calls).toBeGreaterThan(100);
  for (let round = 0; round < 3; round++) {
    const target = await testFolder();
    const points = [1, 2].map(() => 1 + Math.floor(Math.random() * calls));
    for (const point of points) {
      await copyInProcess(source, target, String(point), Math.random() < 0.5 ? "before" : "after");
    }
    expect(await copyInProcess(source, target), `after kills at ${points}`).toMatchObject({ isComplete: true });
    expect(await registryOn(await fileParts(target)).releases.list(anonymous, { package: "fc" })).toHaveLength(1);
  }
});
