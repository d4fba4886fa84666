import { ClientError } from "./errors.ts";

/** What comes after a failure. */
export interface Repeating {
  signal?: AbortSignal | undefined;
  /** False for a request that is not to be sent a second time when nobody knows what became of the first. Default true. */
  repeatable?: boolean;
  /**
   * Asked before the request is sent again when nobody knows what became of it: its answer ends the matter, undefined has it sent again.
   */
  resume?(error: ClientError): Promise<unknown>;
}

const longestWaitMs = 60_000;

/** Tries until it succeeds, or there is no point in another attempt; waits as long as the registry asks for. */
export async function repeatedly<T>(attempt: () => Promise<T>, options: Repeating & { retries: number }): Promise<T> {
  const { retries, signal, repeatable = true, resume } = options;
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const waitMs = tries < retries ? waitBefore(error, tries, repeatable) : null;
      if (waitMs === null) throw error;
      await sleep(waitMs, signal);
      const outcome = resume && isUncertain(error) ? await resume(error) : undefined;
      if (outcome !== undefined) return outcome as T;
    }
  }
}

/** How long to wait before another attempt, or null when there is no point in one. */
function waitBefore(error: unknown, tries: number, repeatable: boolean): number | null {
  if (!(error instanceof ClientError)) return null;
  // Nothing was done yet by a request that was turned away for there being too many.
  const isUntouched = error.status === 429 || error.code === "overloaded";
  if (!isUntouched && !(isUncertain(error) && repeatable)) return null;
  const waitMs = error.retryAfterMs ?? 2 ** tries * (200 + Math.random() * 200);
  return waitMs > longestWaitMs ? null : waitMs;
}

function isUncertain(error: unknown): error is ClientError {
  return error instanceof ClientError && (error.code === "network" || error.status === 503);
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
