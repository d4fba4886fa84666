import { expect, vi } from "vitest";
import { readConfig } from "../standalone/src/config.ts";
import { openRegistry } from "../standalone/src/open-registry.ts";
import type { EndLater } from "./processes.ts";

/** Checks and sweeps of a registry that servers serve, as somebody does them from the command line beside these. */
export interface Upkeep {
  /** What a check finds, but for bytes that nobody knows. It reads every archive, unless it is not to go deep. */
  problems(options?: { deep: boolean }): Promise<string[]>;
  /** Sweeps as if everything were old enough; then the check finds nothing, and the storage holds what versions need and no more. */
  sweepAway(): Promise<{ blobs: number }>;
}

/** The upkeep of the registry that these variables name to a standalone server; paths in them are absolute. */
export async function upkeepOf(env: Record<string, string>, endLater: EndLater): Promise<Upkeep> {
  const result = readConfig(env);
  if ("problems" in result) throw new Error(result.problems.join("\n"));
  const silent = { info() {}, warn() {}, error() {} };
  // The client of S3 looks for these itself, once.
  for (const [name, value] of Object.entries(env)) if (name.startsWith("AWS_")) vi.stubEnv(name, value);
  const { registry, backends, close } = await openRegistry(result.config, silent);
  vi.unstubAllEnvs();
  endLater(close);
  const { database, storage } = backends;
  return {
    async problems({ deep } = { deep: true }) {
      const { findings } = await registry.fsck({ deep });
      const faults = findings.filter(({ code }) => code !== "blob_orphaned");
      return faults.map((one) => `fsck: ${one.code} ${one.package} ${one.version} ${one.sha256} ${one.detail}`);
    },
    async sweepAway() {
      const { steps, isComplete } = await registry.sweep({ graceMs: 0, stagedAgeMs: 0 });
      expect({ isComplete, steps: steps.filter(({ failure }) => failure !== null) }).toEqual({
        isComplete: true,
        steps: [],
      });
      expect((await registry.fsck({ deep: true, graceMs: 0 })).findings).toEqual([]);
      const needed = await database.reader.selectFrom("Versions").select("sha256").distinct().execute();
      const stored = (await storage.list(null, 100_000)).map(({ digest }) => digest);
      expect(stored).toEqual(needed.flatMap(({ sha256 }) => sha256 ?? []).sort());
      return { blobs: steps.find(({ step }) => step === "blobs")?.done ?? 0 };
    },
  };
}
