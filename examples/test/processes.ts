import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** Folder of the examples. */
export const examples = fileURLToPath(new URL("..", import.meta.url));

const main = join(examples, "standalone/dist/main.js");

/** A program that runs beside the test, and ends with it at the latest. */
export interface Program {
  /** What it wrote so far, to both of its outputs. */
  output(): string;
  send(signal: NodeJS.Signals): void;
  /** How it ended. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** What to start it with. Nothing of the test's own environment is passed on. */
export interface ProgramOptions {
  cwd: string;
  env?: Record<string, string>;
}

function startProgram(args: readonly string[], { cwd, env = {} }: ProgramOptions): Program {
  const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk) => chunks.push(chunk));
  child.stderr.on("data", (chunk) => chunks.push(chunk));
  const ended = endOf(child);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return {
    output: () => Buffer.concat(chunks).toString("utf8"),
    send: (signal) => void child.kill(signal),
    ended,
  };
}

async function endOf(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const [code, signal] = await once(child, "close");
  return { code, signal };
}

/** Runs a Node program to its end. */
export async function runProgram(
  args: readonly string[],
  options: ProgramOptions,
): Promise<{ code: number | null; output: string }> {
  const program = startProgram(args, options);
  const { code } = await program.ended;
  return { code, output: program.output() };
}

/** A program that answers HTTP requests. */
export interface ServerProgram extends Program {
  url: string;
}

/** Starts a program that listens on the port it is told in `PORT`, and waits until it answers `path`. */
export async function startServerProgram(
  args: readonly string[],
  { path, ...options }: ProgramOptions & { path: string },
): Promise<ServerProgram> {
  const port = await freePort();
  const program = startProgram(args, { ...options, env: { PORT: String(port), ...options.env } });
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    const response = await fetch(url + path).catch(() => null);
    await response?.arrayBuffer();
    if (response?.ok) return { ...program, url };
    const ended = await Promise.race([program.ended, sleep(15, null)]);
    if (ended !== null) throw new Error(`The server ended at its start:\n${program.output()}`);
  }
}

/** Starts the standalone server as built, with its data in `cwd`. */
export function startStandalone({ cwd, env = {} }: ProgramOptions): Promise<ServerProgram> {
  return startServerProgram([main], { cwd, env: { RATE_LIMIT: "off", ...env }, path: "/healthz" });
}

/** Runs the standalone server where it is expected to end by itself. */
export function runStandalone(args: readonly string[], options: ProgramOptions) {
  return runProgram([main, ...args], options);
}

/** A port nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** An empty folder that is removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "registry-examples-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}
