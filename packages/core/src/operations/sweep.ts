import { setImmediate as nextTurn } from "node:timers/promises";
import type { Context } from "../context.ts";
import { RegistryError } from "../errors.ts";
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
  /**
   * Goes on with `orphans` where an earlier sweep was cut short: the `cursor` of its report, or of what it told last. The other
   * steps need none: what they have done does not come up again.
   */
  after?: string | null;
  /** Ends the sweep before its next batch; the next one goes on. */
  signal?: AbortSignal;
  /** Told after every batch, and every page of what is looked through. */
  onProgress?(progress: SweepProgress): void;
}

/** How far a sweep is. */
export interface SweepProgress {
  step: SweepStepName;
  /** What the step has done so far. */
  done: number;
  /** What to give as `after` should this sweep be cut short now; null: `orphans` has to begin anew, or is at its end. */
  cursor: string | null;
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
  /** What to give as `after` to go on; null when `orphans` came to its end, or has to begin anew. */
  cursor: string | null;
}

const day = 24 * 60 * 60_000;

/**
 * Removes what has had its time: versions whose upload was not used (they expire), tokens, API keys, one-time values and rate
 * counters that are over, archives that no version has needed for a while, what crashes left of uploads; and seals the audit log.
 * It works in small batches and may be cut short at any point, run as often as you like, and by several instances at once, while
 * the registry is used. A step that fails keeps none of the others from running. For the host only.
 * @throws RangeError for a time below 0, TypeError for an unknown step or a cursor that no sweep has told, the signal's reason
 */
export async function sweep(ctx: Context, options: SweepOptions = {}): Promise<SweepReport> {
  const { graceMs = day, stagedAgeMs = day, after = null, signal } = options;
  if (!(graceMs >= 0 && stagedAgeMs >= 0)) throw new RangeError("graceMs and stagedAgeMs must not be below 0");
  const place = parseCursor(after);
  let cursor = after;
  const steps: SweptStep[] = [];
  for (const step of chosen(options)) {
    // Databases and storages exist that answer within the same turn of the event loop: others must get theirs.
    await nextTurn();
    signal?.throwIfAborted();
    const swept: SweptStep = { step: step.name, done: 0, failure: null };
    steps.push(swept);
    const work: SweepWork = {
      ...{ ctx, graceMs, stagedAgeMs, after: place },
      checkpoint: () => signal?.throwIfAborted(),
      advance(count, next) {
        swept.done += count;
        if (next !== undefined) cursor = next === null ? null : `${step.name}:${next}`;
        options.onProgress?.({ step: step.name, done: swept.done, cursor });
      },
    };
    await step.run(work).catch((error: unknown) => {
      signal?.throwIfAborted();
      ctx.logger.error({ err: error, step: step.name }, "a step of the sweep failed");
      swept.failure = causeInWords(error);
    });
    const attributes = { "registry.sweep.step": step.name, "registry.sweep.failed": swept.failure !== null };
    ctx.telemetry?.event({ name: "sweep.step", attributes });
  }
  const isComplete = steps.every((one) => one.failure === null);
  if (isComplete) ctx.telemetry?.event({ name: "swept", attributes: {} });
  return { steps, isComplete, cursor };
}

/** Where `orphans` goes on. */
function parseCursor(cursor: string | null): string | null {
  if (cursor === null) return null;
  const [, place] = /^orphans:([0-9a-f]{64})$/.exec(cursor) ?? [];
  if (place === undefined) throw new TypeError(`There is no place ${cursor} to go on from`);
  return place;
}

/** What a step failed of, in words for the operator: those of a refusal are for clients. */
function causeInWords(error: unknown): string {
  const reason = RegistryError.is(error) ? (error.cause ?? error) : error;
  if (!(reason instanceof Error)) return String(reason);
  return reason.message || ("code" in reason ? String(reason.code) : reason.name);
}

function chosen({ steps, skip = [] }: SweepOptions): readonly (typeof sweepSteps)[number][] {
  const unknown = [...(steps ?? []), ...skip].find((name) => !sweepSteps.some((step) => step.name === name));
  if (unknown !== undefined) throw new TypeError(`A sweep has no step ${unknown}`);
  return sweepSteps.filter(({ name }) => (steps?.includes(name) ?? true) && !skip.includes(name));
}
