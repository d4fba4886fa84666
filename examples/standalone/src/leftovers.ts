import type { BlobStorage, Logger } from "@serverless-registry/core";
import type { Config } from "./config.ts";

/** Where crashes may have left something of uploads, and how often to look. */
export interface LeftoverCare {
  config: Pick<Config, "database" | "storage">;
  storage: BlobStorage;
  log: Logger;
  /** Default: a day. */
  everyMs?: number;
}

const DAY_MS = 86_400_000;

/**
 * Removes what crashes left of uploads, now and from time to time. A folder beside a SQLite file has one owner, so now all goes
 * that is older than this run; any other storage may be in use by another server, so only what is a day old goes. Failures are
 * logged and end nothing.
 */
export function careForLeftovers({ config, storage, log, everyMs = DAY_MS }: LeftoverCare): { end(): void } {
  const isOwn = config.database.kind === "sqlite" && config.storage.kind === "files";
  let work = removeLeftovers(isOwn ? process.uptime() * 1000 : DAY_MS);

  async function removeLeftovers(olderThanMs: number): Promise<void> {
    try {
      const leftovers = await storage.sweepStaged(olderThanMs);
      if (leftovers > 0) log.info({ leftovers }, "removed what an earlier run left of unfinished uploads");
    } catch (error) {
      log.warn({ err: error }, "what an earlier run left of unfinished uploads was not removed");
    }
  }

  const timer = setInterval(() => {
    work = work.then(() => removeLeftovers(DAY_MS));
  }, everyMs).unref();
  return {
    end: () => clearInterval(timer),
  };
}
