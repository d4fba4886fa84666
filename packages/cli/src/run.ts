import { setTimeout as sleep } from "node:timers/promises";
import { type Cli, openCli } from "./cli.ts";
import type { Answer, Command, GivenInput } from "./command.ts";
import { type Ending, exitCodes } from "./exit-codes.ts";
import { describeFailure, failureLine } from "./failures.ts";
import { aborted } from "./interruption.ts";
import type { Env } from "./private-files.ts";
import { readCommandLine } from "./program.ts";
import type { Terminal } from "./terminal.ts";
import { toJson } from "./text.ts";

/** What a run of the program needs from outside. */
export interface Surroundings {
  env: Env;
  cwd: string;
  terminal: Terminal;
  signal: AbortSignal;
}

/** Runs a command line, without the program's own name, and says what the program's exit code is. */
export async function run(argv: readonly string[], around: Surroundings): Promise<number> {
  const { terminal } = around;
  const reading = await readCommandLine(argv);
  if ("parsed" in reading) {
    const { command, input, registry, json } = reading.parsed;
    return exitCodes[await execute(command, input, openCli({ ...around, registry, json }))].code;
  }
  const { text, isError } = reading;
  if (!isError) terminal.write(text);
  else if (argv.includes("--json")) reportUsage(terminal, text);
  else for (const line of text.trimEnd().split("\n")) terminal.note(line);
  return isError ? exitCodes.usage.code : exitCodes.ok.code;
}

function reportUsage(terminal: Terminal, text: string): void {
  const [first = ""] = text.split("\n");
  terminal.write(`${toJson({ error: first.replace(/^error: /, ""), code: "usage", details: {}, hint: null })}\n`);
  terminal.note(first);
}

async function execute(command: Command, input: GivenInput, cli: Cli): Promise<Ending> {
  try {
    const answer = await Promise.race([command.run(cli, input), interrupted(command, cli.signal)]);
    if (answer !== null && cli.json) cli.terminal.write(`${toJson(answer.json)}\n`);
    else if (answer !== null) cli.print(answer.lines ?? []);
    return answer?.ending ?? "ok";
  } catch (error) {
    const failure = describeFailure(error);
    const { code, message, details, hint } = failure;
    if (cli.json) cli.terminal.write(`${toJson({ error: message, code, details, hint: hint ?? null })}\n`);
    cli.note([{ text: "error: ", style: "red" }, failureLine(failure)]);
    return failure.ending;
  }
}

/** How long a command may tidy up after an interruption; a server lets requests finish for ten seconds. */
const tidyMs = { remote: 2000, local: 15_000, none: 0 };

async function interrupted({ place }: Command, signal: AbortSignal): Promise<Answer> {
  await aborted(signal);
  await sleep(tidyMs[place], undefined, { ref: false });
  throw signal.reason;
}
