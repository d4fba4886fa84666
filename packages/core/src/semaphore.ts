import { RegistryError } from "./errors.ts";
import type { WorkLoad } from "./ports/telemetry.ts";

/** Bounds how much work of one kind runs at the same time. */
export interface Semaphore {
  /**
   * Runs `work` as soon as a place is free, in the order of asking, and settles as it does.
   * @throws overloaded the queue is full; `work` is not started
   */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** How much runs and waits at this moment. */
  load(): WorkLoad;
}

/** How long a caller that found the queue full is asked to wait. */
const RETRY_AFTER_MS = 1000;

/** How a {@link Semaphore} lets work in. */
export interface SemaphoreOptions {
  /** Places. */
  running: number;
  /** Callers that wait behind them at most. */
  queued: number;
  /** How long a place stays empty after work that took so many milliseconds, and still counts as running; left out: not at all. */
  restMs?: (tookMs: number) => number;
}

/** A {@link Semaphore} with nothing in it. */
export function semaphore({ running, queued, restMs = () => 0 }: SemaphoreOptions): Semaphore {
  if (!(running >= 1) || !(queued >= 0)) throw new RangeError("A semaphore needs running >= 1 and queued >= 0");
  let active = 0;
  const waiting: (() => void)[] = [];

  async function enter(): Promise<void> {
    if (active < running) {
      active += 1;
      return;
    }
    if (waiting.length >= queued) throw new RegistryError("overloaded", { retryAfterMs: RETRY_AFTER_MS });
    await new Promise<void>((admit) => waiting.push(admit));
  }

  function leave(): void {
    const admit = waiting.shift();
    // The place goes straight to the next in line, so that nobody who comes now can take it.
    if (admit) admit();
    else active -= 1;
  }

  return {
    async run(work) {
      await enter();
      const startedAt = performance.now();
      try {
        return await work();
      } finally {
        const rest = restMs(performance.now() - startedAt);
        if (rest > 0) setTimeout(leave, rest);
        else leave();
      }
    },
    load: () => ({ running: active, queued: waiting.length }),
  };
}
