import { once } from "node:events";
import { text } from "node:stream/consumers";
import { median } from "./compare.ts";
import { loadCore, type ServerProcess, spawnScript } from "./processes.ts";

/** One large archive to send or to fetch. */
export interface TransferPlan {
  port: number;
  way: "put" | "form" | "get";
  path: string;
  token: string;
  /** Archive to send. */
  file: string;
}

/** What the sender saw. */
export interface TransferResult {
  seconds: number;
  bytes: number;
}

/** A transfer, and what it cost the server. */
export interface MeasuredTransfer extends TransferResult {
  cpuSecondsPerGb: number;
  /** Peak of the server's memory over what it held when it was idle. */
  peakOverIdleMiB: number;
}

/** Runs one transfer. `idleMiB` is what the server held before any. */
export async function transfer(
  server: ServerProcess,
  plan: Omit<TransferPlan, "port">,
  idleMiB: number,
): Promise<MeasuredTransfer> {
  server.resetPeak();
  const cpuBefore = server.cpuSeconds();
  const child = spawnScript("transfer.ts", { ...plan, port: server.port } satisfies TransferPlan, { core: loadCore });
  if (child.stdout === null) throw new Error("The sender has no output");
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error("The transfer failed");
  const result = JSON.parse(output) as TransferResult;
  const cpuSecondsPerGb = ((server.cpuSeconds() - cpuBefore) * 1e9) / result.bytes;
  return { ...result, cpuSecondsPerGb, peakOverIdleMiB: server.memory().peakMiB - idleMiB };
}

/** Prints what was measured, and returns it in words. The peak is the highest of all rounds, the other figures are medians. */
export function printTransfers(name: string, all: readonly MeasuredTransfer[]): string {
  const seconds = median(all.map((one) => one.seconds)).toFixed(1);
  const cpu = median(all.map((one) => one.cpuSecondsPerGb)).toFixed(2);
  const peak = Math.max(...all.map((one) => one.peakOverIdleMiB)).toFixed(0);
  const figure = `${seconds} s, ${cpu} CPU s/GB, peak +${peak} MiB over idle`;
  console.log(`  ${name.padEnd(24)} ${figure}`);
  return figure;
}
