import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "vitest";

/** What two processes fight for, and where. */
export interface Contest {
  store: "redis" | "sqlite" | "mysql";
  /** Address of the server, or path of the file. */
  address: string;
  prefix: string;
  rounds: number;
  startsAt: number;
  roundMs: number;
  limit: number;
}

const script = fileURLToPath(new URL("contender.ts", import.meta.url));

/** Starts two processes that claim the same values at the same moments, and expects one to win each; N attempts pass in all. */
export async function expectOneWinner(place: Pick<Contest, "store" | "address"> & { prefix?: string }): Promise<void> {
  const contest: Contest = { prefix: "", rounds: 100, startsAt: Date.now() + 1500, roundMs: 10, limit: 30, ...place };
  const run = () => promisify(execFile)(process.execPath, [script, JSON.stringify(contest)]);
  const outputs = await Promise.all([run(), run()]);
  const [one, two] = outputs.map(({ stdout }) => JSON.parse(stdout) as { granted: boolean[]; allowed: number });
  if (one === undefined || two === undefined) throw new Error("Two processes have two outputs");
  expect(one.granted).toEqual(two.granted.map((granted) => !granted));
  expect(one.granted).toHaveLength(contest.rounds);
  expect(one.allowed + two.allowed).toBe(contest.limit);
}
