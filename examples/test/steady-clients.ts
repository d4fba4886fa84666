import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "./client.ts";
import { type Attempt, newAttempt, publish, stylesOfPublishing } from "./kill-history.ts";

/** Four clients of one server that publish one version after the other, and one that may ask for this and that, until they are stopped. */
export interface SteadyClients {
  /** All that was begun to be published. */
  readonly history: readonly Attempt[];
  /** How many publishes were acknowledged. */
  acknowledged(): number;
  /** Waits until so many more were. */
  untilMore(more: number): Promise<void>;
  /** What else was answered than success since the last time, and the longest that an answer took, in milliseconds. */
  since(): { refusals: readonly string[]; slowestMs: number };
  stop(): Promise<void>;
}

/** What a refusal says when the server had nothing to do its work with, and told when to come again. */
export const saysWhenToComeAgain = /^(open|form|raw|one request|question): 503 after [1-9]\d* \{.*"unavailable"/;

/** Who was refused waits for so long; so does the one that asks, in between. */
const pauseMs = 20;

/**
 * Starts them. A question rejects with what was answered; everything else that is no success counts as a refusal too, such as a
 * connection that ends.
 */
export function startSteadyClients(
  client: Client,
  random: () => number,
  questions: readonly (() => Promise<void>)[] = [],
): SteadyClients {
  const history: Attempt[] = [];
  let refusals: string[] = [];
  let slowestMs = 0;
  let isOver = false;
  const timed = async (work: Promise<void>) => {
    const since = performance.now();
    await work.catch(async (error: Error) => {
      refusals.push(error.message);
      await sleep(pauseMs);
    });
    slowestMs = Math.max(slowestMs, Math.round(performance.now() - since));
  };

  async function publishOn(name: string): Promise<void> {
    for (let number = 0; !isOver; number += 1) {
      const style = stylesOfPublishing[number % 3] ?? "raw";
      const attempt = await newAttempt({ name, version: `1.0.${number}`, style }, random);
      history.push(attempt);
      await timed(publish(client, attempt));
    }
  }

  async function askOn(): Promise<void> {
    while (!isOver) {
      for (const question of questions) {
        await timed(question());
        await sleep(pauseMs);
      }
    }
  }

  const work = Promise.all(["alpha", "beta", "gamma", "delta"].map(publishOn));
  const asking = questions.length === 0 ? Promise.resolve() : askOn();
  const acknowledged = () => history.filter(({ state }) => state === "acknowledged").length;
  return {
    history,
    acknowledged,
    async untilMore(more) {
      const before = acknowledged();
      while (acknowledged() < before + more) await sleep(20);
    },
    since() {
      const told = { refusals, slowestMs };
      refusals = [];
      slowestMs = 0;
      return told;
    },
    async stop() {
      isOver = true;
      await work;
      await asking;
    },
  };
}
