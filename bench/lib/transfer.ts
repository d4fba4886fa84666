import { once } from "node:events";
import { text } from "node:stream/consumers";
import { median } from "./compare.ts";
import { loadCore, type ServerProcess, spawnScript } from "./processes.ts";

/** Large archives to send or to fetch, all at once. */
export interface TransferPlan {
  port: number;
  way: "put" | "form" | "get";
  /** One for each archive. */
  paths: readonly string[];
  token: string;
  /** What signs a request, in place of the token. */
  signing?: Signing;
  /** Archive to send. */
  file: string;
}

/** An API key, and how it signs. */
export interface Signing {
  apiKey: string;
  profile: "v2" | "documented";
}

/** What the sender saw. */
export interface TransferResult {
  seconds: number;
}

/** A transfer, and what it cost the server. */
export interface MeasuredTransfer extends TransferResult {
  cpuSeconds: number;
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
  const cpuSeconds = server.cpuSeconds() - cpuBefore;
  return { ...(JSON.parse(output) as TransferResult), cpuSeconds, peakOverIdleMiB: server.memory().peakMiB - idleMiB };
}

/**
 * Prints what was measured, and returns it in words. The peak is the highest of all rounds, the other figures are medians. Processor
 * time is that of a GB of `unpackedBytes`.
 */
export function printTransfers(name: string, all: readonly MeasuredTransfer[], unpackedBytes: number): string {
  const seconds = median(all.map((one) => one.seconds)).toFixed(1);
  const cpu = median(all.map((one) => (one.cpuSeconds * 1e9) / unpackedBytes)).toFixed(2);
  const peak = Math.max(...all.map((one) => one.peakOverIdleMiB)).toFixed(0);
  const figure = `${seconds} s, ${cpu} CPU s/GB, peak +${peak} MiB over idle`;
  console.log(`  ${name.padEnd(36)} ${figure}`);
  return figure;
}
