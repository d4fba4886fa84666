import type { BackupProgress, CopyProgress } from "@serverless-registry/core/transfer";

/** How far a copy or a backup is. */
export type Progress = CopyProgress | BackupProgress;

const names = {
  database: "Database",
  rows: "Rows",
  index: "Search index",
  archives: "Archives",
  compare: "Comparing",
} as const;
const barWidth = 30;
const redrawMs = 80;

/** Shows how far a copy or a backup is. */
export interface ProgressView {
  show(progress: Progress): void;
  /** Leaves the place to what is written next. */
  end(): void;
}

/** A bar on a terminal; elsewhere a line when a step begins, and at every tenth of it. */
export function progressView(stream: NodeJS.WriteStream): ProgressView {
  return stream.isTTY ? bar(stream) : lines(stream);
}

function bar(stream: NodeJS.WriteStream): ProgressView {
  let [drawnAt, shown] = [0, ""];
  return {
    show(progress) {
      const now = performance.now();
      const isNew = shown !== progress.step;
      if (!isNew && now - drawnAt < redrawMs && progress.done < progress.total) return;
      if (isNew && shown !== "") stream.write("\n");
      [drawnAt, shown] = [now, progress.step];
      const full = Math.round(shareOf(progress) * barWidth);
      const drawn = progress.total === 0 ? "" : ` [${"#".repeat(full)}${".".repeat(barWidth - full)}]`;
      stream.write(`\r\u001b[K${names[progress.step].padEnd(12)}${drawn} ${amounts(progress)}`);
    },
    end() {
      if (shown !== "") stream.write("\n");
    },
  };
}

function lines(stream: NodeJS.WriteStream): ProgressView {
  let [shown, tenth] = ["", 0];
  return {
    show(progress) {
      const isNew = shown !== progress.step;
      const reached = progress.total === 0 ? 0 : Math.floor(shareOf(progress) * 10);
      if (!isNew && reached === tenth) return;
      [shown, tenth] = [progress.step, reached];
      stream.write(`${names[progress.step]}: ${amounts(progress)}\n`);
    },
    end() {},
  };
}

function shareOf({ done, total }: Progress): number {
  return total === 0 ? 1 : Math.min(1, done / total);
}

function amounts(progress: Progress): string {
  const { step, done, total } = progress;
  if (step === "index") return "is built anew";
  const percent = `${Math.floor(shareOf(progress) * 100)}%`;
  if (step === "archives" || step === "database") return `${percent}, ${bytesText(done)} of ${bytesText(total)}`;
  return `${percent}, ${done} of ${total} rows`;
}

/** A number of bytes in the unit that suits it. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
