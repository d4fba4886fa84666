import type { Comparison, Effort, Measured } from "./compare.ts";

/** What a line of figures shows. */
type Printable = Pick<Measured, "name" | "perSecond" | "p50Us" | "p99Us" | "cpuUs" | "bytesPerAnswer">;

/** Prints a headline. */
export function printTitle(title: string): void {
  console.log(`\n${title}`);
}

/** Prints how a target and its peer compare. */
export function printComparison({ target, peer, rateRatio, cpuRatio, p99Ratio, aim }: Comparison): void {
  const ratios = `rate ${ratio(rateRatio)}, CPU ${ratio(cpuRatio)}, p99 ${ratio(p99Ratio)}`;
  console.log(`  = ${target.name} / ${peer.name}: ${ratios}${aim === "" ? "" : ` (aim: ${aim})`}`);
}

/** Prints one measurement. */
export function printMeasured(measured: Printable): void {
  const { name, perSecond, p50Us, p99Us, cpuUs, bytesPerAnswer } = measured;
  const columns = [
    name.padEnd(44),
    `${perSecond.toFixed(0).padStart(7)} req/s`,
    `p50 ${milliseconds(p50Us)}`,
    `p99 ${milliseconds(p99Us)}`,
    `CPU ${cpuUs.toFixed(0).padStart(6)} us/req`,
    `${bytesPerAnswer.toFixed(0).padStart(6)} B`,
  ];
  console.log(`  ${columns.join("  ")}`);
}

/** Prints everything that was measured as tables in Markdown, the way docs/performance.md has them. */
export function printTables({ comparisons, figures }: Pick<Effort, "comparisons" | "figures">): void {
  if (comparisons.length > 0) {
    const rows = comparisons.map(({ target, peer, rateRatio, cpuRatio, p99Ratio, aim }) => {
      const times = `${microseconds(target.cpuUs)} / ${microseconds(peer.cpuUs)}`;
      return [target.name, peer.name, ...[rateRatio, cpuRatio, p99Ratio].map(ratio), times, aim];
    });
    printTable("| scenario | peer | rate | CPU | p99 | CPU per request | aim |", "|---|---|--:|--:|--:|--:|---|", rows);
  }
  if (figures.length === 0) return;
  const rows = figures.map(({ scenario, figure, aim }) => [scenario, figure, aim]);
  printTable("| scenario | figure | aim |", "|---|---|---|", rows);
}

function printTable(head: string, alignment: string, rows: readonly (readonly string[])[]): void {
  console.log(`\n${head}\n${alignment}`);
  for (const row of rows) console.log(`| ${row.join(" | ")} |`);
}

function microseconds(us: number): string {
  return us < 10_000 ? `${us.toFixed(0)} us` : `${(us / 1000).toFixed(1)} ms`;
}

/** A ratio with two digits behind the point. */
export function ratio(value: number): string {
  return `${value.toFixed(2)} x`;
}

function milliseconds(us: number): string {
  return `${(us / 1000).toFixed(2).padStart(7)} ms`;
}
