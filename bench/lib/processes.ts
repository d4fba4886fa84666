import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

/** A server under measurement, in a process of its own. */
export interface ServerProcess {
  readonly port: number;
  readonly pid: number;
  /** Time on the processor so far, in seconds, of all its threads. */
  cpuSeconds(): number;
  /** Memory it holds now, and the most it has ever held, in MiB. */
  memory(): { residentMiB: number; peakMiB: number };
  /** Memory it holds now, in MiB: what it shares with other processes (the program itself, say) counts in part only. */
  shareMiB(): number;
  /** Forgets the peak, so that what comes next has its own. */
  resetPeak(): void;
  stop(): Promise<void>;
}

/** Servers run on the first processor, what loads them on the second. */
export const serverCore = 0;
export const loadCore = 1;

const clockTicksPerSecond = 100;
const canPin = process.platform === "linux" && spawnSync("taskset", ["-V"]).status === 0;

/** Where and how a script runs: on which processor, with which flags of Node. */
export interface Placement {
  core: number;
  flags?: readonly string[];
}

/** Starts a script of this folder over the built packages, with `input` as JSON on its standard input. */
export function spawnScript(name: string, input: unknown, { core, flags = [] }: Placement): ChildProcess {
  const child = spawnPinned([...flags, join(import.meta.dirname, "..", name)], core);
  child.stdin?.end(JSON.stringify(input));
  return child;
}

/** Starts Node on one processor, where the system can do that. */
export function spawnPinned(args: readonly string[], core: number, env: Record<string, string> = {}): ChildProcess {
  return spawnProgram([process.execPath, ...args], core, env);
}

/** Starts a program on one processor, where the system can do that. */
export function spawnProgram(
  command: readonly string[],
  core: number,
  env: Record<string, string | undefined> = {},
): ChildProcess {
  const pinned = canPin ? ["taskset", "-c", String(core), ...command] : command;
  const [program = "", ...rest] = pinned;
  const child = spawn(program, rest, { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, ...env } });
  // A scenario that fails must not leave its servers behind.
  const kill = () => child.kill();
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  return child;
}

/** Starts one of this folder's servers; resolves when it listens. It says its port on its first line. */
export async function startServer(name: string, input: unknown, flags: readonly string[] = []): Promise<ServerProcess> {
  const child = spawnScript(name, input, { core: serverCore, flags });
  const [line] = await firstLine(child);
  return processOf(child, Number(line));
}

/** Waits until a server that was started answers at `url` with any status. */
export async function untilAnswering(child: ChildProcess, url: string): Promise<void> {
  for (let tries = 0; tries < 300 && child.exitCode === null; tries++) {
    const answer = await fetch(url).catch(() => null);
    await answer?.body?.cancel();
    if (answer !== null) return;
    await delay(100);
  }
  throw new Error(`Nothing answers at ${url}`);
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  return address !== null && typeof address === "object" ? address.port : 0;
}

/** What can be asked of a process that listens on `port`. */
export function processOf(child: ChildProcess, port: number): ServerProcess {
  const proc = `/proc/${child.pid}`;
  const mebibytes = (field: string) => {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`${proc}/status`, "utf8"));
    return Number(found?.[1] ?? Number.NaN) / 1024;
  };
  return {
    port,
    pid: child.pid ?? 0,
    cpuSeconds() {
      // The name in parentheses may hold blanks; user and system time are the 14th and 15th field.
      const fields = readFileSync(`${proc}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
    },
    memory: () => ({ residentMiB: mebibytes("VmRSS"), peakMiB: mebibytes("VmHWM") }),
    shareMiB() {
      const found = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`${proc}/smaps_rollup`, "utf8"));
      return Number(found?.[1] ?? Number.NaN) / 1024;
    },
    resetPeak() {
      spawnSync("sh", ["-c", `echo 5 > ${proc}/clear_refs`]);
    },
    async stop() {
      if (child.exitCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    },
  };
}

async function firstLine(child: ChildProcess): Promise<string[]> {
  if (child.stdout === null) throw new Error("The server has no output");
  const lines = createInterface(child.stdout);
  const line = await Promise.race([
    once(lines, "line"),
    once(child, "exit").then(() => Promise.reject(new Error("The server ended before it listened"))),
  ]);
  child.stdout.resume();
  return line as string[];
}
