import { addDownloads, type DownloadBatch } from "./db/downloads.ts";
import { toDay } from "./domain/times.ts";
import type { Clock } from "./ports/clock.ts";
import type { Database } from "./ports/database.ts";
import type { Logger } from "./ports/logger.ts";

/** Counts downloads in memory and writes them in batches. */
export interface DownloadCounter {
  /** Counts one download. It is written within five seconds; a crash before that loses it. */
  count(versionId: number, packageId: number): void;
  /** Writes what was counted so far. What cannot be written now is kept and tried again. */
  flush(): Promise<void>;
  /** Downloads that are not written yet. */
  waiting(): number;
  /** Writes what was counted so far, for the last time. */
  close(): Promise<void>;
}

const flushAfterMs = 5000;

/** A counter whose only timer runs while something waits to be written, and keeps no process alive. */
export function downloadCounter(database: Database, clock: Clock, logger: Logger): DownloadCounter {
  let waiting = new Map<string, DownloadBatch>();
  let timer: NodeJS.Timeout | undefined;
  let flushing = Promise.resolve();
  let isClosed = false;

  function arm(): void {
    if (isClosed) return;
    timer ??= setTimeout(() => {
      flush().catch((error) => logger.warn({ err: error }, "download counts wait for the database"));
    }, flushAfterMs).unref();
  }

  function add(batch: DownloadBatch): void {
    const key = `${batch.versionId} ${batch.day}`;
    const known = waiting.get(key);
    if (known === undefined) waiting.set(key, { ...batch });
    else known.count += batch.count;
  }

  async function writeAll(): Promise<void> {
    // In one order everywhere: two instances that write the same packages never wait for each other crosswise.
    const batches = [...waiting.values()].sort((a, b) => a.packageId - b.packageId || a.versionId - b.versionId);
    waiting = new Map();
    if (batches.length === 0) return;
    try {
      await database.write(async (tx) => {
        for (const batch of batches) await addDownloads(tx, batch);
      });
    } catch (error) {
      batches.forEach(add);
      arm();
      throw error;
    }
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    flushing = flushing.catch(() => {}).then(writeAll);
    return flushing;
  }

  return {
    count(versionId, packageId) {
      add({ versionId, packageId, day: toDay(clock.now()), count: 1 });
      arm();
    },
    flush,
    waiting: () => [...waiting.values()].reduce((sum, { count }) => sum + count, 0),
    close() {
      isClosed = true;
      return flush();
    },
  };
}
