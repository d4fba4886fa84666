import type { BlobStorage, Logger, Registry } from "@serverless-registry/core";
import type { Config } from "./config.ts";
import { archiveSteps, mustKeepArchives } from "./restored.ts";

/** What is to be swept, and how often. */
export interface SweepCare {
  config: Pick<Config, "database" | "storage" | "sweepArchives">;
  registry: Pick<Registry, "sweep">;
  storage: BlobStorage;
  /** Whether nobody else used the database, and with it the storage, when this process started. */
  startedAlone: boolean;
  log: Logger;
  /** Default: an hour. */
  everyMs?: number;
}

const HOUR_MS = 3_600_000;
/** Looking for bytes that nobody knows lists the whole storage: at the start and at every so manieth sweep, until it has come to its end. */
const SWEEPS_PER_LISTING = 24;

/**
 * Sweeps now and from time to time. Who started alone also removes now what uploads left before this run. Otherwise another server may be in
 * the middle of one: beside a SQLite file all are of this machine and take half an hour for a request at most, so that what was
 * written last an hour ago has been left behind; elsewhere a sweep takes what is a day old. A folder of archives takes what is an hour
 * old by itself when it is first used, on whatever database. Failures are logged and end nothing.
 */
export function careForSweeps(care: SweepCare): { end(): Promise<void> } {
  const { config, registry, storage, startedAlone, log, everyMs = HOUR_MS } = care;
  const isLocal = config.database.kind === "sqlite" && config.storage.kind === "files";
  const age = isLocal ? { stagedAgeMs: HOUR_MS } : {};
  const ending = new AbortController();
  let sweeps = 0;
  let work = startedAlone ? removeLeftovers() : Promise.resolve();
  let isWaiting = false;
  /** Whether the storage is to be listed, and where a listing failed. */
  let isOwed = true;
  let after: string | null = null;

  async function removeLeftovers(): Promise<void> {
    try {
      // Whoever came later opened the database later than this process started, and began to write after that.
      const leftovers = await storage.sweepStaged(process.uptime() * 1000);
      if (leftovers > 0) log.info({ leftovers }, "removed what an earlier run left of unfinished uploads");
    } catch (error) {
      log.warn({ err: error }, "what an earlier run left of unfinished uploads was not removed");
    }
  }

  async function sweep(): Promise<void> {
    if (sweeps % SWEEPS_PER_LISTING === 0) isOwed = true;
    sweeps += 1;
    try {
      const isKeeping = await mustKeepArchives(config);
      if (isKeeping && isOwed) log.warn({}, whyKept(config));
      const isListing = isOwed && !isKeeping;
      const skip = isKeeping ? archiveSteps : isListing ? [] : (["orphans"] as const);
      // It logs by itself what fails.
      const { steps, cursor } = await registry.sweep({ ...age, skip, after, signal: ending.signal });
      if (isListing) {
        isOwed = steps.some(({ step, failure }) => step === "orphans" && failure !== null);
        // From a place that it could not leave it begins anew.
        after = cursor === after ? null : cursor;
      }
      const busy = steps.filter(({ step, done }) => done > 0 && step !== "audit_seals");
      if (busy.length > 0) log.info(Object.fromEntries(busy.map(({ step, done }) => [step, done])), "swept");
    } catch (error) {
      if (!ending.signal.aborted) log.warn({ err: error }, "nothing was swept");
    }
  }

  function sweepLater(): void {
    // A slow sweep makes no queue.
    if (isWaiting) return;
    isWaiting = true;
    work = work.then(() => {
      isWaiting = false;
      return sweep();
    });
  }

  sweepLater();
  const timer = setInterval(sweepLater, everyMs).unref();
  return {
    async end() {
      clearInterval(timer);
      ending.abort();
      await work;
    },
  };
}

function whyKept({ sweepArchives }: SweepCare["config"]): string {
  return sweepArchives === "off"
    ? "SWEEP_ARCHIVES=off: no archive is removed"
    : "a backup was put back: no archive is removed until fsck has named those that it does not know";
}
