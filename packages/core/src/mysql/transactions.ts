import { setTimeout as delay } from "node:timers/promises";
import { isConflict, isConnectionLost, isStatementTimeout } from "./errors.ts";

/** Attempts at a transaction that the engine gives up for another one's sake. */
const maxAttempts = 12;

/** Attempts at a transaction whose connections break. */
const maxConnections = 3;

/** After this time no further attempt is made. */
const patienceMs = 8000;

/**
 * Runs a transaction again when the engine gave it up, or when its connection broke before it was to be committed: the
 * server rolls back then. One whose commit was sent and not answered is not repeated, it may have happened.
 */
export async function repeatTransaction<T>(
  attempt: () => Promise<T>,
  isUndecided: (error: unknown) => boolean,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt();
    } catch (error) {
      const limit = isConflict(error) ? maxAttempts : isConnectionLost(error) ? maxConnections : 1;
      if (isUndecided(error) || isStatementTimeout(error) || attempts >= limit || performance.now() > deadline)
        throw error;
    }
    // At random, so that those who stood in each other's way do not meet again.
    await delay(Math.random() * Math.min(250, 5 * 2 ** attempts));
  }
}
