import type { Cli } from "./cli.ts";
import type { Ending } from "./exit-codes.ts";
import type { Line } from "./text.ts";

/** One argument of a command. */
export interface ArgumentSpec {
  about: string;
  /** What help calls it; default: its name. */
  place?: string;
  optional?: true;
  /** Takes all that follow. */
  many?: true;
}

/** One option of a command. Its name is written in camel case and typed with hyphens. */
export interface OptionSpec {
  about: string;
  /** What follows the option; left out, nothing does. */
  value?: string;
  /** May be given several times. */
  many?: true;
  choices?: readonly string[];
}

type ArgumentValue<S> = S extends { many: true }
  ? string[]
  : S extends { optional: true }
    ? string | undefined
    : string;
type OptionValue<S> = S extends { many: true } ? string[] : S extends { value: string } ? string | undefined : boolean;

type Arguments = Readonly<Record<string, ArgumentSpec>>;
type Options = Readonly<Record<string, OptionSpec>>;

/** What a command was given. */
export interface Input<A, O> {
  args: { readonly [Name in keyof A]: ArgumentValue<A[Name]> };
  options: { readonly [Name in keyof O]: OptionValue<O[Name]> };
}

/** What a command has to say: a document for programs, lines for people. */
export interface Answer {
  json: unknown;
  lines?: readonly Line[];
  /** How the program ends; default: `ok`. */
  ending?: Ending;
}

interface CommandSpec<A, O> {
  /** What is typed: one word, or two. */
  name: string;
  /** One line. */
  summary: string;
  /** What else there is to know. */
  about?: string;
  args?: A;
  options?: O;
  /** Command lines, without the program's name, that make sense. */
  examples: readonly string[];
  /** Whether it speaks to a registry over HTTP, stands at one itself (database and archives), or does neither. */
  place: "remote" | "local" | "none";
  /** Null: it has written by itself what there was to say. */
  run(cli: Cli, input: Input<A, O>): Promise<Answer | null>;
}

/** What some command was given. */
export interface GivenInput {
  args: Readonly<Record<string, unknown>>;
  options: Readonly<Record<string, unknown>>;
}

/** A command, whatever it takes. */
export interface Command extends Omit<CommandSpec<Arguments, Options>, "run"> {
  args: Arguments;
  options: Options;
  run(cli: Cli, input: GivenInput): Promise<Answer | null>;
}

/** A command; `run` gets what `args` and `options` say, typed. */
export function command<
  const A extends Arguments = Readonly<Record<never, never>>,
  const O extends Options = Readonly<Record<never, never>>,
>(spec: CommandSpec<A, O>): Command {
  const { args = {}, options = {}, ...rest } = spec;
  return { ...rest, args, options } as Command;
}

/** An option as it is typed: `--dry-run`, `--reason <text>`. */
export function flagsOf(name: string, { value }: OptionSpec): string {
  const typed = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return value === undefined ? typed : `${typed} <${value}>`;
}

/** An argument as it is written in help: `<package>`, `[path]`, `<words...>`. */
export function placeOf(name: string, { optional, many, place = name }: ArgumentSpec): string {
  const inner = `${place}${many ? "..." : ""}`;
  return optional ? `[${inner}]` : `<${inner}>`;
}
