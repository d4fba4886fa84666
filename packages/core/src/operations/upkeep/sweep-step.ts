import type { Context } from "../../context.ts";

/** What a step of a sweep works with. */
export interface SweepWork {
  ctx: Context;
  /** Blobs stay for this long after the last version needed them. */
  graceMs: number;
  /** What came of an upload and was written last before this has been left behind. */
  stagedAgeMs: number;
  /** Where an earlier run was cut short, for a step that tells places; null: at the beginning. */
  after: string | null;
  /** Throws what a step is to end with once nobody wants it to go on. Asked between batches. */
  checkpoint(): void;
  /** Counts what was done, for whoever watches; with the place where the next run would go on, null when there is nothing behind it. */
  advance(count: number, place?: string | null): void;
}

/** One kind of things that a sweep removes. Cut short at any point, the next run goes on; any number may run at the same time. */
export interface SweepStep<Name extends string = string> {
  name: Name;
  run(work: SweepWork): Promise<void>;
}
