import { readdirSync, readlinkSync } from "node:fs";
import type { ServerProcess } from "../../bench/lib/processes.ts";

/** What a server held at some minute. */
export interface Sample {
  minute: number;
  residentMiB: number;
  /** Open files that are no sockets. */
  files: number;
  sockets: number;
}

/** Looks at a server. */
export function sampleOf(server: ServerProcess, minute: number): Sample {
  const folder = `/proc/${server.pid}/fd`;
  const sockets = readdirSync(folder).map((descriptor) => isSocket(`${folder}/${descriptor}`));
  const open = sockets.filter(Boolean).length;
  return { minute, residentMiB: server.memory().residentMiB, files: sockets.length - open, sockets: open };
}

/** What was closed since it was listed is none. */
function isSocket(descriptor: string): boolean {
  try {
    return readlinkSync(descriptor).startsWith("socket:");
  } catch {
    return false;
  }
}

/** How much memory grows in a minute, in MiB: the line that fits the samples best. */
export function slopePerMinute(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number) => samples.reduce((sum, one) => sum + of(one), 0) / samples.length;
  const [minute, resident] = [mean((one) => one.minute), mean((one) => one.residentMiB)];
  const covariance = mean((one) => (one.minute - minute) * (one.residentMiB - resident));
  const variance = mean((one) => (one.minute - minute) ** 2);
  return variance === 0 ? 0 : covariance / variance;
}
