import { expect, test } from "vitest";
import { memoryStorage } from "../../src/memory/index.ts";
import { prometheusMetrics } from "../../src/metrics/index.ts";
import { sweepSteps } from "../../src/operations/upkeep/sweep-steps.ts";
import { bodyOf, registries } from "../operations/harness.ts";
import { samples } from "./harness.ts";

const make = registries();

test("shows how many archives the last whole check missed, each once, and nothing before one", async () => {
  const metrics = prometheusMetrics();
  const t = await make({ telemetry: metrics });
  const ada = await t.user("ada");
  const files = { "index.js": "the same in two packages" };
  const shared = await t.publish(ada, { package: "fc", version: "1.0.0", files });
  await t.publish(ada, { package: "oss", version: "1.0.0", files });
  const other = await t.publish(ada, { package: "fc", version: "1.1.0" });
  await t.storage.delete(shared.sha256);
  await t.storage.delete(other.sha256);
  expect(await t.registry.fsck({ signal: AbortSignal.abort() })).toMatchObject({ isComplete: false });
  expect(await samples(metrics, "missing_blobs")).toEqual([]);
  expect(await t.registry.fsck()).toMatchObject({ counts: { archive_missing: 3 } });
  expect(await samples(metrics, "missing_blobs")).toEqual(["missing_blobs 2"]);
  expect(await samples(metrics, "damaged_blobs")).toEqual(["damaged_blobs 0"]);
  await t.registry.heal({ body: bodyOf(shared.bytes) });
  await t.registry.fsck();
  expect(await samples(metrics, "missing_blobs")).toEqual(["missing_blobs 1"]);
});

test("shows which steps of sweeps failed, and when a sweep last did all it was to do", async () => {
  const metrics = prometheusMetrics();
  const storage = memoryStorage();
  let isAway = true;
  const sweepStaged = async () => {
    if (isAway) throw new Error("the disk is away");
    return 0;
  };
  const t = await make({ telemetry: metrics, storage: { ...storage, sweepStaged } });
  await t.registry.sweep();
  await t.registry.sweep({ steps: ["tokens", "staged"] });
  await expect(t.registry.sweep({ signal: AbortSignal.abort() })).rejects.toThrow();
  const failures = await samples(metrics, "sweep_failures_total");
  expect(failures).toHaveLength(sweepSteps.length);
  expect(failures.filter((line) => !line.endsWith(" 0"))).toEqual(['sweep_failures_total{step="staged"} 2']);
  expect(await samples(metrics, "sweep_last_complete")).toEqual([]);
  isAway = false;
  const before = Date.now() / 1000;
  expect(await t.registry.sweep()).toMatchObject({ isComplete: true });
  const [line = ""] = await samples(metrics, "sweep_last_complete_timestamp_seconds");
  expect(Number(line.split(" ")[1])).toBeGreaterThanOrEqual(before);
  expect(Number(line.split(" ")[1])).toBeLessThanOrEqual(Date.now() / 1000);
  expect(await samples(metrics, "sweep_failures_total")).toEqual(failures);
});

test("shows the room of the fullest storage, and nothing where none tells", async () => {
  const storage = memoryStorage();
  const shown = async (rooms: (() => Promise<number>)[]) => {
    const metrics = prometheusMetrics();
    await make({ telemetry: metrics });
    for (const freeBytes of rooms) await make({ telemetry: metrics, storage: { ...storage, freeBytes } });
    return samples(metrics, "storage_free_bytes");
  };
  const away = () => Promise.reject(new Error("away"));
  expect(await shown([])).toEqual([]);
  expect(await shown([away])).toEqual([]);
  expect(await shown([async () => 7, away, async () => 0])).toEqual(["storage_free_bytes 0"]);
});
