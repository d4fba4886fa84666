import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createRegistry } from "@serverless-registry/core";
import { sqlite } from "@serverless-registry/core/sqlite";
import { digestOf, zipOf } from "@serverless-registry/core/testing";
import { fsStorage } from "@serverless-registry/storage-fs";
import { expect, onTestFinished, test } from "vitest";
import { describeIf } from "../../packages/storage-fs/test/harness.ts";
import { download, register } from "./client.ts";
import { killRounds } from "./kill-driver.ts";
import { lossyDisk, whyNoLossyDisk } from "./lossy-disk.ts";
import { startTestServer, temporaryFolder } from "./processes.ts";

const rounds = Number(process.env.POWER_ROUNDS ?? 3);
const seed = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 31);

describeIf(whyNoLossyDisk(), "a loss of power", () => {
  /** Starts a server on a disk of its own; later starts find what a loss of power left, once the server before was killed. */
  async function powered(env: Record<string, string> = {}) {
    const disk = lossyDisk();
    if ("reason" in disk) throw new Error(disk.reason);
    onTestFinished(() => disk.remove());
    const [cwd, data] = [await temporaryFolder(), join(disk.path, "data")];
    mkdirSync(data);
    const place = { DATABASE: join(data, "registry.db"), STORAGE: join(data, "packages") };
    let starts = 0;
    const start = () => {
      if (starts++ > 0) disk.cutPower();
      return startTestServer({ cwd, env: { ...place, ...env } });
    };
    return { ...place, start };
  }

  test(`${rounds} times costs nothing that was acknowledged, and shows nothing half-done`, {
    timeout: 120_000 + rounds * 60_000,
  }, async () => {
    const { DATABASE, STORAGE, start } = await powered();
    const { problems, figures, server } = await killRounds({ rounds, seed, start, storage: STORAGE });
    console.log(`losses of power: ${JSON.stringify(figures)}`);
    expect(problems).toEqual([]);
    expect(figures.acknowledged + figures.changes).toBeGreaterThanOrEqual(rounds);
    server.send("SIGTERM");
    await server.ended;
    const database = sqlite({ path: DATABASE });
    const registry = createRegistry({ database, storage: fsStorage({ root: STORAGE }) });
    await registry.sweep({ graceMs: 0, stagedAgeMs: 0 });
    const { findings } = await registry.fsck({ deep: true, graceMs: 0 });
    await registry.close();
    expect(findings).toEqual([]);
  });

  /** Publishes, and loses power as soon as that was acknowledged; whether the version is there after the next start. */
  async function isKept(env: Record<string, string>): Promise<boolean> {
    const { start } = await powered(env);
    const server = await start();
    const ada = await register(server.url, "ada");
    const zip = new Uint8Array(await zipOf({ "index.js": "// acknowledged" }));
    expect((await ada.publish({ name: "acknowledged", version: "1.0.0" }, zip)).status).toBe(201);
    server.send("SIGKILL");
    await server.ended;
    const { url } = await start();
    const found = await download(url, "acknowledged", "1.0.0");
    if (found !== null) expect(digestOf(found)).toBe(digestOf(zip));
    return found !== null;
  }

  test("right after a publish was acknowledged: the version stays", { timeout: 120_000 }, async () => {
    expect(await isKept({})).toBe(true);
  });

  test("right after a publish was acknowledged: the version is gone where commits are not synced", {
    timeout: 360_000,
  }, async () => {
    // The kernel brings to the disk by itself what has waited for a while.
    let isLost = false;
    for (let tries = 0; tries < 3 && !isLost; tries += 1) isLost = !(await isKept({ MISTAKE: "commits without sync" }));
    expect(isLost).toBe(true);
  });
});
