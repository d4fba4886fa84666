import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, flagsOf, placeOf } from "../../packages/cli/src/command.ts";
import { type CommandGroup, groups } from "../../packages/cli/src/commands/index.ts";
import { exitCodes } from "../../packages/cli/src/exit-codes.ts";
import { commonOptions } from "../../packages/cli/src/program.ts";
import { root } from "../workspace.ts";
import { block, code, table } from "./markdown.ts";

const marker = "<!-- What follows is written by `npm run docs` from the commands themselves. -->";

/** The page on the command line: what people wrote of it, and below the commands as they are. */
export function commandLinePage(): string {
  const page = readFileSync(join(root, "docs/guide/command-line.md"), "utf8");
  const end = page.indexOf(marker);
  if (end === -1) throw new Error("docs/guide/command-line.md has no place for what is generated");
  return `${[page.slice(0, end) + marker, exitCodeSection(), commonSection(), ...groups.map(groupSection)].join("\n\n")}\n`;
}

function exitCodeSection(): string {
  const rows = Object.values(exitCodes).map((one) => [code(String(one.code)), one.about]);
  return `## Exit codes\n\n${table(["code", "meaning"], rows)}`;
}

function commonSection(): string {
  return `## Commands\n\nOf all commands, ${code("--registry")} of those that speak to a registry:\n\n${options(commonOptions)}`;
}

function groupSection({ title, commands }: CommandGroup): string {
  return [`## ${title.replace(/:$/, "")}`, ...commands.map(commandSection)].join("\n\n");
}

function commandSection({ name, summary, about, args, options: own, examples }: Command): string {
  const places = Object.entries(args).map(([key, spec]) => placeOf(key, spec));
  const rows = Object.entries(args).map(([key, spec]) => [code(placeOf(key, spec)), spec.about]);
  return [
    `### ${[name, ...places].join(" ").replace(/[<>[\]]/g, "\\$&")}`,
    `${summary[0]?.toUpperCase()}${summary.slice(1)}.${about === undefined ? "" : ` ${about}`}`,
    ...(rows.length === 0 ? [] : [table(["argument", "what it is"], rows)]),
    ...(Object.keys(own).length === 0 ? [] : [options(own)]),
    block("text", examples.map((line) => `serverless-registry ${line}`).join("\n")),
  ].join("\n\n");
}

function options(specs: Command["options"]): string {
  const rows = Object.entries(specs).map(([name, spec]) => {
    const choices = spec.choices === undefined ? "" : `: ${spec.choices.map(code).join(", ")}`;
    return [code(flagsOf(name, spec)), spec.about + choices];
  });
  return table(["option", "what it does"], rows);
}
