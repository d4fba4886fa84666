import { load, type Round, type Target } from "./load.ts";
import { printComparison, printMeasured } from "./report.ts";

/** Several rounds of one target, each figure the median of them. */
export interface Measured extends Round {
  name: string;
}

/** A target beside its peer, measured in the same minutes. Ratios above 1: more requests, or more time. */
export interface Comparison {
  target: Compared;
  peer: Compared;
  rateRatio: number;
  cpuRatio: number;
  p99Ratio: number;
  /** What was aimed at. */
  aim: string;
}

/** What is compared of two measurements. */
export type Compared = Pick<Measured, "name" | "perSecond" | "p50Us" | "p99Us" | "cpuUs">;

/** One absolute figure. */
export interface Figure {
  scenario: string;
  figure: string;
  aim: string;
}

/** How long to measure, and where results go that the table at the end shows. */
export interface Effort {
  rounds: number;
  roundMs: number;
  comparisons: Comparison[];
  figures: Figure[];
}

/** Loads targets by turns, several short rounds each, after one round that does not count. */
export async function alternate(targets: readonly Target[], effort: Effort): Promise<Measured[]> {
  const rounds = targets.map((): Round[] => []);
  for (let round = -1; round < effort.rounds; round++) {
    for (const [at, target] of targets.entries()) {
      const result = await load(target, effort.roundMs);
      if (round >= 0) rounds[at]?.push(result);
    }
  }
  return targets.map(({ name }, at) => ({ name, ...medianOf(rounds[at] ?? []) }));
}

/** Measures a target against its peer, and prints both. */
export async function compare(target: Target, peer: Target, effort: Effort, aim = ""): Promise<void> {
  const [ours, theirs] = await alternate([target, peer], effort);
  if (ours === undefined || theirs === undefined) throw new Error("Nothing was measured");
  printMeasured(ours);
  printMeasured(theirs);
  noteComparison(relate(ours, theirs, aim), effort);
}

/** Prints how two measurements of one run compare, and keeps it for the table at the end. */
export function noteComparison(comparison: Comparison, { comparisons }: Pick<Effort, "comparisons">): void {
  comparisons.push(comparison);
  printComparison(comparison);
}

/** Sets two measurements of one run in relation. */
export function relate(target: Compared, peer: Compared, aim = ""): Comparison {
  return {
    aim,
    target,
    peer,
    rateRatio: target.perSecond / peer.perSecond,
    cpuRatio: target.cpuUs / peer.cpuUs,
    p99Ratio: target.p99Us / peer.p99Us,
  };
}

/** The middle one of some numbers. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function medianOf(rounds: readonly Round[]): Round {
  const [first] = rounds;
  if (first === undefined) throw new Error("No round was measured");
  const of = (pick: (round: Round) => number) => median(rounds.map(pick));
  return {
    ...first,
    perSecond: of((round) => round.perSecond),
    p50Us: of((round) => round.p50Us),
    p99Us: of((round) => round.p99Us),
    cpuUs: of((round) => round.cpuUs),
  };
}
