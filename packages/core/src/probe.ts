/** What came of asking. */
export type ProbeResult<T> =
  | { readonly state: "ok"; readonly latencyMs: number; readonly value: T }
  | { readonly state: "failed"; readonly error: unknown }
  | { readonly state: "timeout" };

/** Bounds of a {@link probe}. */
export interface ProbeOptions {
  /** How long an answer is waited for. */
  timeoutMs: number;
  /** For how long an answer is given again; default a second. */
  keepMs?: number;
}

/** After this time an answer that never came is given up, and asked for anew. */
const abandonAfterMs = 30_000;

/**
 * Asks something whether it is well, in a way that cannot be used as load: who asks at the same time, or shortly after, gets the same
 * answer, and while one is overdue no other question is put. Never rejects, and never takes longer than `timeoutMs`.
 */
export function probe<T>(
  check: () => Promise<T>,
  { timeoutMs, keepMs = 1000 }: ProbeOptions,
): () => Promise<ProbeResult<T>> {
  let kept: { result: ProbeResult<T>; at: number } | undefined;
  let asking: Promise<ProbeResult<T>> | undefined;
  let running: { answer: Promise<ProbeResult<T>>; since: number } | undefined;

  async function answer(): Promise<ProbeResult<T>> {
    const startedAt = performance.now();
    try {
      const value = await check();
      return { state: "ok", latencyMs: performance.now() - startedAt, value };
    } catch (error) {
      return { state: "failed", error };
    }
  }

  function run(): Promise<ProbeResult<T>> {
    if (running !== undefined && performance.now() - running.since < abandonAfterMs) return running.answer;
    const mine = { answer: answer(), since: performance.now() };
    running = mine;
    void mine.answer.then(() => {
      if (running === mine) running = undefined;
    });
    return mine.answer;
  }

  async function ask(): Promise<ProbeResult<T>> {
    const { promise: late, resolve } = Promise.withResolvers<ProbeResult<T>>();
    const timer = setTimeout(() => resolve({ state: "timeout" }), timeoutMs);
    const result = await Promise.race([run(), late]);
    clearTimeout(timer);
    kept = { result, at: performance.now() };
    asking = undefined;
    return result;
  }

  return async () => {
    if (kept !== undefined && performance.now() - kept.at < keepMs) return kept.result;
    asking ??= ask();
    return asking;
  };
}
