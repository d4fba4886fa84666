import { setImmediate as nextTurn } from "node:timers/promises";
import type { Context } from "../context.ts";
import type { SweepWork } from "./upkeep/sweep-step.ts";
import { sweepSteps } from "./upkeep/sweep-steps.ts";

/** Name of one thing that a sweep does. */
export type SweepStepName = (typeof sweepSteps)[number]["name"];

/** How to sweep. */
export interface SweepOptions {
  /** How long archives stay that no version needs any more; default 24 hours. */
  graceMs?: number;
  /** Age at which what an upload left in the storage goes, counted from its last byte; default 24 hours. */
  stagedAgeMs?: number;
  /** What to do; default everything. */
  steps?: readonly SweepStepName[];
  /** What to leave out. `orphans` lists the whole storage, which takes a while, and requests to a bucket: once a day is enough. */
  skip?: readonly SweepStepName[];
  /** Ends the sweep before its next batch; the next one goes on. */
  signal?: AbortSignal;
  /** Told after every batch. */
  onProgress?(progress: SweepProgress): void;
}

/** How far a sweep is. */
export interface SweepProgress {
  step: SweepStepName;
  /** What the step has done so far. */
  done: number;
}

/** What one step of a sweep did. */
export interface SweptStep {
  step: SweepStepName;
  /** How many rows, blobs or pieces it removed; orphans that it found, versions that expired, lines that were sealed. */
  done: number;
  /** What kept it from its end; null when nothing did. What it did until then stays done. */
  failure: string | null;
}

/** What a sweep did. */
export interface SweepReport {
  steps: SweptStep[];
  /** Whether every step came to its end. */
  isComplete: boolean;
}

const day = 24 * 60 * 60_000;

/**
 * Removes what has had its time: versions whose upload was not used (they expire), tokens, API keys, one-time values and rate
 * counters that are over, archives that no version has needed for a while, what crashes left of uploads; and seals the audit log.
 * It works in small batches and may be cut short at any point, run as often as you like, and by several instances at once, while
 * the registry is used. A step that fails keeps none of the others from running. For the host only.
 * @throws RangeError for a time below 0, TypeError for an unknown step, the signal's reason
 */
export async function sweep(ctx: Context, options: SweepOptions = {}): Promise<SweepReport> {
  const { graceMs = day, stagedAgeMs = day, signal } = options;
  if (!(graceMs >= 0 && stagedAgeMs >= 0)) throw new RangeError("graceMs and stagedAgeMs must not be below 0");
  const steps: SweptStep[] = [];
  for (const step of chosen(options)) {
    // Databases and storages exist that answer within the same turn of the event loop: others must get theirs.
    await nextTurn();
    signal?.throwIfAborted();
    const swept: SweptStep = { step: step.name, done: 0, failure: null };
    steps.push(swept);
    const work: SweepWork = {
      ...{ ctx, graceMs, stagedAgeMs },
      checkpoint: () => signal?.throwIfAborted(),
      advance(count) {
        swept.done += count;
        options.onProgress?.({ step: step.name, done: swept.done });
      },
    };
    await step.run(work).catch((error: unknown) => {
      signal?.throwIfAborted();
      ctx.logger.error({ err: error, step: step.name }, "a step of the sweep failed");
      swept.failure = error instanceof Error ? error.message : String(error);
    });
    const attributes = { "registry.sweep.step": step.name, "registry.sweep.failed": swept.failure !== null };
    ctx.telemetry?.event({ name: "sweep.step", attributes });
  }
  const isComplete = steps.every((one) => one.failure === null);
  if (isComplete) ctx.telemetry?.event({ name: "swept", attributes: {} });
  return { steps, isComplete };
}

function chosen({ steps, skip = [] }: SweepOptions): readonly (typeof sweepSteps)[number][] {
  const unknown = [...(steps ?? []), ...skip].find((name) => !sweepSteps.some((step) => step.name === name));
  if (unknown !== undefined) throw new TypeError(`A sweep has no step ${unknown}`);
  return sweepSteps.filter(({ name }) => (steps?.includes(name) ?? true) && !skip.includes(name));
}
