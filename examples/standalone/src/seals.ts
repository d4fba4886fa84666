import { setTimeout as sleep } from "node:timers/promises";
import type { Logger, Registry } from "@serverless-registry/core";

/** What is to be sealed, and when. */
export interface SealCare {
  registry: Registry;
  log: Logger;
  everyMs: number;
  /** Whether API keys may still be sealed with the previous secret. */
  reseal: boolean;
}

/** Longest that a stop waits for the last seal; what is left is sealed by the next run. */
const END_TIMEOUT_MS = 5000;

/**
 * Seals the audit log now, from time to time and at the end, and API keys anew when the secret was replaced. Failures are logged
 * and end nothing: the next time makes up for them.
 */
export function careForSeals({ registry, log, everyMs, reseal }: SealCare): { end(): Promise<void> } {
  let work: Promise<void> = reseal ? resealKeys(registry, log) : Promise.resolve();
  let isWaiting = false;

  function sealLater(): Promise<void> {
    // Slow sealing makes no queue.
    if (isWaiting) return work;
    isWaiting = true;
    work = work.then(() => {
      isWaiting = false;
      return sealLog(registry, log);
    });
    return work;
  }

  void sealLater();
  const timer = setInterval(() => void sealLater(), everyMs).unref();
  return {
    async end() {
      clearInterval(timer);
      await Promise.race([sealLater(), sleep(END_TIMEOUT_MS, undefined, { ref: false })]);
    },
  };
}

async function sealLog(registry: Registry, log: Logger): Promise<void> {
  try {
    // It logs by itself what it sealed, and what keeps it from sealing.
    await registry.audit.seal();
  } catch (error) {
    log.warn({ err: error }, "the audit log was not sealed");
  }
}

async function resealKeys(registry: Registry, log: Logger): Promise<void> {
  try {
    const keys = await registry.apiKeys.reseal();
    log.info({ keys }, "API keys no longer need SERVER_SECRET_PREVIOUS");
  } catch (error) {
    log.error({ err: error }, "API keys may still need SERVER_SECRET_PREVIOUS");
  }
}
