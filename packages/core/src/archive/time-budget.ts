import { setImmediate } from "node:timers/promises";
import { refusal } from "./findings.ts";

/** Keeps a long inspection within its time and lets the rest of the process run in between. */
export interface TimeBudget {
  /**
   * To be called between steps.
   * @throws invalid_archive `time_limit` when the time is over
   */
  step(): Promise<void>;
  /**
   * The same where nothing can be waited for.
   * @throws invalid_archive `time_limit` when the time is over
   */
  check(): void;
}

const sliceMs = 10;

/** A budget that starts now. */
export function timeBudget(timeMs: number): TimeBudget {
  const deadline = performance.now() + timeMs;
  let yielded = performance.now();

  function check(): void {
    if (performance.now() > deadline) throw refusal("time_limit");
  }

  async function step(): Promise<void> {
    check();
    if (performance.now() - yielded < sliceMs) return;
    await setImmediate();
    yielded = performance.now();
  }

  return { step, check };
}
