import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { randomOf } from "../../../../scripts/fuzz/random.ts";
import { anonymous } from "../../src/context.ts";
import { runUntilKilled } from "../killed-process.ts";
import { fileParts, registryOn, testFolder } from "../transfer/parts.ts";
import { archiveOf, download, goodArchives, originalFiles } from "./harness.ts";

const seed = process.env.KILL_SEED ?? String(Date.now() % 2 ** 31);
const script = fileURLToPath(new URL("import-process.ts", import.meta.url));

/** What an importing process prints. */
interface Outcome {
  rows: string;
  taken: number;
  leftOut: number;
  calls: number;
}

/** `temporary`: where it may keep temporary files. */
const importInProcess = (temporary: string, ...args: string[]) =>
  runUntilKilled<Outcome>(script, args, { TMPDIR: temporary });

test(`killed at any point, another run goes on (KILL_SEED=${seed})`, { timeout: 120_000 }, async () => {
  const { sqlite, packages } = await originalFiles();
  const [random, temporary] = [randomOf(seed), await testFolder()];
  const whole = await importInProcess(temporary, sqlite, packages, await testFolder());
  expect(whole).toMatchObject({ rows: "copied", taken: goodArchives.length, leftOut: 3 });
  const calls = whole?.calls ?? 0;
  expect(calls).toBeGreaterThan(100);
  const target = await testFolder();
  // Among the archives, among the rows, and once anywhere.
  const points = [0.2, 0.7, random.int(1000) / 1000].map((share) => 1 + Math.floor(share * (calls - 1)));
  for (const [at, point] of points.entries()) {
    const moment = random.pick(["before", "after"]);
    await importInProcess(temporary, sqlite, packages, target, String(point), moment);
    // The copy of the original's database that the killed run had made, and none of earlier runs.
    if (at < 2) expect(await readdir(temporary), `after a kill at ${point}`).toHaveLength(1);
  }
  const last = await importInProcess(temporary, sqlite, packages, target);
  expect(await readdir(temporary)).toEqual([]);
  expect(last, `after kills at ${points}`).toMatchObject({ leftOut: 3 });
  const registry = registryOn(await fileParts(target));
  expect(await registry.releases.latest(anonymous, { package: "fc" })).toMatchObject({ version: "0.9.0" });
  for (const version of goodArchives) {
    expect(await download(registry, version), version).toEqual(await archiveOf(version));
  }
  await registry.flush();
});
