import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Client } from "./client.ts";
import { said } from "./instance-clients.ts";
import { type Attempt, newAttempt, seededRandom } from "./kill-history.ts";

/** Clients that publish one version after the other, each at a server of its own, until they are stopped. */
export interface Writers {
  /** All that they have begun. */
  begun(): readonly Attempt[];
  /** What else they were told than yes, in short. */
  refusals(): readonly string[];
  /** Waits until this server has acknowledged a publish that was begun after this call. Fails when that takes longer. */
  goesOn(server: number, timeoutMs: number): Promise<void>;
  /** Ends them; all that they have begun. */
  stop(): Promise<readonly Attempt[]>;
}

/** Who was refused waits for so long, as clients do. */
const pauseMs = 100;

/** Starts one writer for each client; each has a package of its own, whose name begins so. */
export function startWriters(clients: readonly Client[], name = "writer"): Writers {
  const begun: Attempt[] = [];
  const refusals: string[] = [];
  /** When the last publish that a server acknowledged was begun. */
  const acknowledgedAt = clients.map(() => 0);
  let isStopped = false;

  async function publishOn(client: Client, server: number): Promise<void> {
    const random = seededRandom(server);
    for (let number = 0; !isStopped; number += 1) {
      const since = performance.now();
      const attempt = await newAttempt(
        { name: `${name}${server}`, version: `1.0.${number}`, style: "one request" },
        random,
      );
      begun.push(attempt);
      const zip = await attempt.zip();
      attempt.state = "sent";
      const answer = await client.publish(attempt, zip);
      if (answer.status === 201) {
        attempt.state = "acknowledged";
        acknowledgedAt[server] = since;
      } else {
        refusals.push(said(answer));
        await sleep(pauseMs);
      }
    }
  }

  const work = Promise.all(clients.map(publishOn));
  return {
    begun: () => begun,
    refusals: () => refusals,
    async goesOn(server, timeout) {
      const since = performance.now();
      await expect.poll(() => (acknowledgedAt[server] ?? 0) > since, { timeout, interval: 50 }).toBe(true);
    },
    async stop() {
      isStopped = true;
      await work;
      return begun;
    },
  };
}
