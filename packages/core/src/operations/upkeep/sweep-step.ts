import type { Context } from "../../context.ts";

/** What a step of a sweep works with. */
export interface SweepWork {
  ctx: Context;
  /** Blobs stay for this long after the last version needed them. */
  graceMs: number;
  /** What came of an upload and was written last before this has been left behind. */
  stagedAgeMs: number;
  /** Throws what a step is to end with once nobody wants it to go on. Asked between batches. */
  checkpoint(): void;
  /** Counts what was done, for whoever watches. */
  advance(count: number): void;
}

/** One kind of things that a sweep removes. Cut short at any point, the next run goes on; any number may run at the same time. */
export interface SweepStep<Name extends string = string> {
  name: Name;
  run(work: SweepWork): Promise<void>;
}
