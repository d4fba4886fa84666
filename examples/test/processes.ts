import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { freePort } from "../../scripts/test/free-port.ts";

/** Folder of the examples. */
export const examples = fileURLToPath(new URL("..", import.meta.url));

/** Folder of the scripts that start servers which tests use. */
export const services = join(examples, "../scripts/services");

const main = join(examples, "standalone/dist/main.js");

/** A program that runs beside the test, and ends with it at the latest. */
export interface Program {
  /** What it wrote so far, to both of its outputs. */
  output(): string;
  send(signal: NodeJS.Signals): void;
  /** How it ended. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** What to start it with. Nothing of the test's own environment is passed on but where Node keeps what it compiled. */
export interface ProgramOptions {
  cwd: string;
  env?: Record<string, string>;
  /** Is handed what ends the program; default: that happens after the test. */
  endLater?: EndLater;
}

/** Takes what is to be done when what was started is no longer needed. */
export type EndLater = (end: () => Promise<void>) => void;

/** Starts a program: the first of `args` is a Node script, or a command where `options.command` names one. */
export function startProgram(args: readonly string[], options: ProgramOptions & { command?: string }): Program {
  const { cwd, env = {}, endLater = onTestFinished, command = process.execPath } = options;
  const { NODE_COMPILE_CACHE } = process.env;
  const compiled = NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
  const child = spawn(command, args, { cwd, env: { ...compiled, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk) => chunks.push(chunk));
  child.stderr.on("data", (chunk) => chunks.push(chunk));
  const ended = endOf(child);
  endLater(async () => {
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
  { path, ...options }: ProgramOptions & { path: string; command?: string },
): Promise<ServerProgram> {
  const port = options.env?.PORT ?? String(await freePort());
  const program = startProgram(args, { ...options, env: { ...options.env, PORT: port } });
  const url = `http://127.0.0.1:${port}`;
  await answering(program, url + path);
  return { ...program, url };
}

/** Waits until a program answers at an address, whatever it says. Fails when it ends instead. */
export async function answering(program: Program, address: string): Promise<void> {
  for (;;) {
    const response = await fetch(address).catch(() => null);
    await response?.arrayBuffer();
    if (response !== null && response.status < 500) return;
    const ended = await Promise.race([program.ended, sleep(15, null)]);
    if (ended !== null) throw new Error(`The program ended at its start:\n${program.output()}`);
  }
}

/** Starts the standalone server as built, with its data in `cwd`. */
export function startStandalone({ env = {}, ...options }: ProgramOptions): Promise<ServerProgram> {
  return startServerProgram([main], { ...options, env: { RATE_LIMIT: "off", ...env }, path: "/healthz" });
}

/** Starts the server of `test-server.ts`, which is set by variables of its own; `under` another program that is given its command. */
export function startTestServer(options: ProgramOptions & { under?: readonly string[] }): Promise<ServerProgram> {
  const { env = {}, under = [], ...others } = options;
  const script = ["--conditions=@serverless-registry/source", join(examples, "test/test-server.ts")];
  const [command = "", ...args] = [...under, process.execPath, ...script];
  return startServerProgram(args, { ...others, command, env: { NODE_NO_WARNINGS: "1", ...env }, path: "/healthz" });
}

/** Runs the standalone server where it is expected to end by itself. */
export function runStandalone(args: readonly string[], options: ProgramOptions) {
  return runProgram([main, ...args], options);
}

/** An empty folder that is removed after the test, or when `endLater` says. */
export async function temporaryFolder(endLater: EndLater = onTestFinished): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "registry-examples-"));
  endLater(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}
