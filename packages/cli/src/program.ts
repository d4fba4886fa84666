import { readFileSync } from "node:fs";
import { Argument, Command as CommanderCommand, CommanderError, Option } from "commander";
import { type Command, flagsOf, type GivenInput, type OptionSpec, placeOf } from "./command.ts";
import { type CommandGroup, groups } from "./commands/index.ts";

/** A command line that was understood. */
export interface Parsed {
  command: Command;
  input: GivenInput;
  registry: string | undefined;
  json: boolean;
}

/** What came of reading a command line: what to run, or how the program ends at once. */
export type Reading = { parsed: Parsed } | { text: string; isError: boolean };

/** Options that commands have beside their own. */
export const commonOptions = {
  registry: {
    value: "address",
    about: "address of the registry; default: SERVERLESS_REGISTRY_URL, else the last one signed in to",
  },
  json: { about: "print one JSON document, messages beside it" },
} as const satisfies Record<string, OptionSpec>;

/** The options of a command, common ones last. */
export function optionsOf({ options, place }: Command): Record<string, OptionSpec> {
  const { registry, json } = commonOptions;
  return { ...options, ...(place === "remote" ? { registry } : {}), json };
}

/** Reads a command line, without the program's own name. */
export async function readCommandLine(argv: readonly string[]): Promise<Reading> {
  const unknown = argv[0] === "help" ? unknownIn(argv.slice(1)) : undefined;
  if (unknown !== undefined)
    return { text: `error: unknown command '${unknown}'\n(add --help for help)\n`, isError: true };
  let text = "";
  let parsed: Parsed | undefined;
  const program = buildProgram({
    write: (piece) => {
      text += piece;
    },
    found: (one) => {
      parsed = one;
    },
  });
  try {
    // Commander's own help command knows no commands of two words.
    await program.parseAsync(argv[0] === "help" ? [...argv.slice(1), "--help"] : argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { text, isError: error.exitCode !== 0 };
  }
  if (parsed === undefined) throw new Error("no command was found and none was missed");
  return { parsed };
}

/** What stands in place of a command and is none; undefined where help is to be had. */
function unknownIn(words: readonly string[]): string | undefined {
  const name = words.filter((word) => !word.startsWith("-")).join(" ");
  const known = groups.flatMap(({ commands }) => commands).some((one) => `${one.name} `.startsWith(`${name} `));
  return known || name === "" ? undefined : name;
}

/** The help of a command, or of the program, as `--help` shows it. */
export async function helpOf(name: string): Promise<string> {
  const reading = await readCommandLine([...name.split(" ").filter((word) => word !== ""), "--help"]);
  if ("parsed" in reading || reading.isError) throw new Error(`${name} has no help`);
  return reading.text;
}

/** The version of this package. */
function programVersion(): string {
  return JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;
}

interface Outlets {
  write(text: string): void;
  found(parsed: Parsed): void;
}

function buildProgram(outlets: Outlets): CommanderCommand {
  const program = new CommanderCommand("serverless-registry")
    .description("Publishes packages to a registry, finds and fetches them, and runs a registry.")
    .version(programVersion(), "-V, --version", "print the program's version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .addHelpText("after", "\nHelp of a command, with examples: serverless-registry help <command>")
    .showHelpAfterError("(add --help for help)")
    .exitOverride()
    .configureOutput({
      writeOut: outlets.write,
      writeErr: outlets.write,
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
    });
  for (const group of groups) addGroup(program, group, outlets);
  return program;
}

function addGroup(program: CommanderCommand, { title, commands }: CommandGroup, outlets: Outlets): void {
  for (const one of commands) {
    const [first = "", second] = one.name.split(" ");
    if (second === undefined) fill(program.command(first).helpGroup(title), one, outlets);
    else fill(parentOf(program, first, title).command(second), one, outlets);
  }
}

/** The command that those with two words hang below. */
function parentOf(program: CommanderCommand, name: string, title: string): CommanderCommand {
  const known = program.commands.find((one) => one.name() === name);
  if (known) return known;
  const about = groups.flatMap(({ parents }) => Object.entries(parents ?? {})).find(([parent]) => parent === name);
  return program
    .command(name)
    .description(about?.[1] ?? "")
    .helpGroup(title)
    .helpCommand(false);
}

function fill(target: CommanderCommand, one: Command, outlets: Outlets): void {
  target.summary(one.summary).description(one.about === undefined ? one.summary : `${one.summary}\n\n${one.about}`);
  for (const [name, spec] of Object.entries(one.args)) {
    target.addArgument(new Argument(placeOf(name, spec), spec.about));
  }
  for (const [name, spec] of Object.entries(optionsOf(one))) target.addOption(optionOf(name, spec));
  target.addHelpText("after", `\nExamples:\n${one.examples.map((line) => `  serverless-registry ${line}\n`).join("")}`);
  target.action((...given: unknown[]) => {
    const values = given.slice(0, -2);
    const args = Object.fromEntries(Object.keys(one.args).map((name, index) => [name, values[index]]));
    const { registry, json, ...options } = target.opts();
    const input = { args, options: { ...noOptions(one), ...options } };
    outlets.found({ command: one, input, registry, json: json === true });
  });
}

function optionOf(name: string, spec: OptionSpec): Option {
  const option = new Option(flagsOf(name, spec), spec.about);
  if (spec.choices !== undefined) option.choices(spec.choices);
  if (spec.many !== true) return option;
  const check = option.parseArg;
  return option.argParser((value, known: unknown) => {
    check?.(value, undefined);
    return [...(Array.isArray(known) ? known : []), value];
  });
}

/** What options are when they are not given. */
function noOptions({ options }: Command): Record<string, unknown> {
  const values = Object.entries(options).map(([name, { value, many }]) => {
    return [name, many ? [] : value === undefined ? false : undefined];
  });
  return Object.fromEntries(values);
}
