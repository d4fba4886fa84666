import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { fileParts, registryOn, testFolder } from "../transfer/parts.ts";
import { archiveOf, download, goodArchives, originalFiles } from "./harness.ts";

const run = promisify(execFile);
const script = fileURLToPath(new URL("import-process.ts", import.meta.url));

/** What an importing process printed, or null when it was killed. */
type Outcome = { rows: string; taken: number; leftOut: number; calls: number } | null;

async function importInProcess(...args: string[]): Promise<Outcome> {
  try {
    const { stdout } = await run(process.execPath, ["--conditions=@serverless-registry/source", script, ...args]);
    return JSON.parse(stdout);
  } catch (error) {
    if ((error as { signal?: string }).signal === "SIGKILL") return null;
    throw error;
  }
}

test("killed at any point, another run goes on", { timeout: 120_000 }, async () => {
  const { sqlite, packages } = await originalFiles();
  const whole = await importInProcess(sqlite, packages, await testFolder());
  expect(whole).toMatchObject({ rows: "copied", taken: goodArchives.length, leftOut: 3 });
  const calls = whole?.calls ?? 0;
  expect(calls).toBeGreaterThan(100);
  const target = await testFolder();
  // Among the archives, among the rows, and once anywhere.
  const points = [0.2, 0.7, Math.random()].map((share) => 1 + Math.floor(share * (calls - 1)));
  for (const point of points) {
    await importInProcess(sqlite, packages, target, String(point), Math.random() < 0.5 ? "before" : "after");
  }
  const last = await importInProcess(sqlite, packages, target);
  expect(last, `after kills at ${points}`).toMatchObject({ leftOut: 3 });
  const registry = registryOn(await fileParts(target));
  expect(await registry.releases.latest(anonymous, { package: "fc" })).toMatchObject({ version: "0.9.0" });
  for (const version of goodArchives) {
    expect(await download(registry, version), version).toEqual(await archiveOf(version));
  }
  await registry.flush();
});
