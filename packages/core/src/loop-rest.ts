import { performance } from "node:perf_hooks";

/** From this share of its time on the event loop counts as busy. */
const busyShare = 0.5;

/** For every two parts of work on the event loop's only processor, one is left to the loop alone. */
const restShare = 0.5;

/** Work that seems to take long has mostly waited for a thread. */
const maxRestMs = 100;

/**
 * Says, after work in another thread that took some milliseconds, how long to wait before the next: nothing while the event loop has had
 * little to do since the last question. On a single processor the system shares time evenly between the two, so that such work without
 * a rest takes half of it from everything else.
 */
export function loopRest(): (tookMs: number) => number {
  let last = performance.eventLoopUtilization();
  return (tookMs) => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization > busyShare ? Math.min(tookMs * restShare, maxRestMs) : 0;
  };
}
