import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

/** Where two processes fight. */
export interface Place {
  store: "redis" | "sqlite" | "mysql";
  /** Address of the server, or path of the file. */
  address: string;
  prefix: string;
}

/** What a process is told: to claim a value at a moment, or to attempt something so often. It answers with how many it was granted. */
export type Turn = { claim: string; startsAt: number } | { attempts: number };

const script = fileURLToPath(new URL("contender.ts", import.meta.url));
const rounds = 50;
/** So many at most until each has won. */
const mostRounds = 400;
/** Longer than it takes to ask both. */
const aheadMs = 50;
const limit = 30;

/** Two processes claim the same values, each at the same moment, and one wins each; of attempts at the same time N pass in all. */
export async function expectOneWinner(place: Omit<Place, "prefix"> & { prefix?: string }): Promise<void> {
  const contenders = [1, 2].map(() => fork(script, [JSON.stringify({ prefix: "", ...place })], { execArgv: [] }));
  try {
    // Each says when it is ready.
    await Promise.all(contenders.map((one) => answerOf(one)));
    const both = (turn: Turn) => Promise.all(contenders.map((one) => ask(one, turn)));
    const wins = [0, 0];
    const isFought = () => Math.min(...wins) > 0;
    for (let round = 0; round < rounds || (!isFought() && round < mostRounds); round += 1) {
      // Who is asked last is late on a busy machine: not always the same one.
      contenders.reverse();
      wins.reverse();
      const granted = await both({ claim: `round ${round}`, startsAt: Date.now() + aheadMs });
      expect(granted.toSorted(), `round ${round}`).toEqual([0, 1]);
      granted.forEach((count, at) => {
        wins[at] = (wins[at] ?? 0) + count;
      });
    }
    // Else one was always late, and nothing was fought for.
    expect(isFought(), `rounds won: ${wins}`).toBe(true);
    const [one = 0, two = 0] = await both({ attempts: limit });
    expect(one + two).toBe(limit);
  } finally {
    for (const one of contenders) if (one.connected) one.disconnect();
  }
}

function ask(contender: ChildProcess, turn: Turn): Promise<number> {
  contender.send(turn);
  return answerOf(contender);
}

async function answerOf(contender: ChildProcess): Promise<number> {
  const answered = new AbortController();
  const { signal } = answered;
  const ended = once(contender, "exit", { signal }).then(() => Promise.reject(new Error("A contender ended")));
  try {
    const [answer] = (await Promise.race([once(contender, "message", { signal }), ended])) as [number];
    return answer;
  } finally {
    answered.abort();
    ended.catch(() => undefined);
  }
}
