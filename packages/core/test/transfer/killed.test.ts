import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { fileParts, registryOn, smallRegistry, testFolder } from "./parts.ts";

const run = promisify(execFile);
const script = fileURLToPath(new URL("copy-process.ts", import.meta.url));

/** Runs the copying process; resolves to what it printed, or to null when it was killed. */
async function copyInProcess(
  ...args: string[]
): Promise<{ isComplete: boolean; copied: number; calls: number } | null> {
  try {
    const { stdout } = await run(process.execPath, ["--conditions=@serverless-registry/source", script, ...args]);
    return JSON.parse(stdout);
  } catch (error) {
    if ((error as { signal?: string }).signal === "SIGKILL") return null;
    throw error;
  }
}

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
