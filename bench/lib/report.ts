import type { Comparison, Effort, Measured } from "./compare.ts";

/** What a line of figures shows. */
type Printable = Pick<Measured, "name" | "perSecond" | "p50Us" | "p99Us" | "cpuUs" | "bytesPerAnswer">;

/** Prints a headline. */
export function printTitle(title: string): void {
  console.log(`\n${title}`);
}

/** Prints a target beside its peer. */
export function printComparison({ target, peer, rateRatio, cpuRatio, p99Ratio }: Comparison): void {
  printMeasured(target);
  printMeasured(peer);
  console.log(
    `  = ${target.name} / ${peer.name}: rate ${ratio(rateRatio)}, CPU ${ratio(cpuRatio)}, p99 ${ratio(p99Ratio)}`,
  );
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

/** Prints everything that was compared as tables in Markdown. */
export function printTables({ comparisons, figures }: Pick<Effort, "comparisons" | "figures">): void {
  if (comparisons.length > 0) {
    console.log("\n| scenario | peer | rate | CPU | p99 | CPU per request |\n|---|---|--:|--:|--:|--:|");
    for (const { target, peer, rateRatio, cpuRatio, p99Ratio } of comparisons) {
      const times = `${target.cpuUs.toFixed(0)} / ${peer.cpuUs.toFixed(0)} us`;
      const ratios = [rateRatio, cpuRatio, p99Ratio].map(ratio);
      console.log(`| ${[target.name, peer.name, ...ratios, times].join(" | ")} |`);
    }
  }
  if (figures.length === 0) return;
  console.log("\n| scenario | figure | aim |\n|---|---|---|");
  for (const { scenario, figure, aim } of figures) console.log(`| ${scenario} | ${figure} | ${aim} |`);
}

/** Prints a Markdown table: the first row is its head, the first column text, the others figures. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const line = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
  console.log();
  line(head);
  line(head.map((_, at) => (at === 0 ? "---" : "--:")));
  rows.forEach(line);
}

/** A ratio with two digits behind the point. */
export function ratio(value: number): string {
  return `${value.toFixed(2)} x`;
}

function milliseconds(us: number): string {
  return `${(us / 1000).toFixed(2).padStart(7)} ms`;
}
