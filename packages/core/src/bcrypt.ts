import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { compare } from "bcryptjs";

/** Comparisons up to this cost take some milliseconds. */
const MAX_COST_HERE = 7;

/** What a worker runs: one comparison. It is given the library's file, since it lies nowhere itself. */
const program = `
const { parentPort, workerData } = require("node:worker_threads");
const { compareSync } = require(workerData.library);
parentPort.postMessage(compareSync(workerData.password, workerData.stored));
`;

/**
 * Compares a password with a bcrypt hash. The library computes in JavaScript: what takes long is computed in a thread of its
 * own, so that nobody else waits for it.
 */
export async function bcryptMatches(stored: string, password: string, cost: number): Promise<boolean> {
  if (cost <= MAX_COST_HERE) return compare(password, stored);
  const library = createRequire(import.meta.url).resolve("bcryptjs");
  const worker = new Worker(program, { eval: true, workerData: { library, password, stored } });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error("the comparison ended without a result")));
  });
}
