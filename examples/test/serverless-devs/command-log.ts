import { readFile } from "node:fs/promises";

const page = new URL("../../../docs/guide/serverless-devs.md", import.meta.url);

/** What clients were made to do in a file of tests. */
export interface CommandLog {
  note(command: string): void;
  /** Each command once, sorted. */
  commands(): string[];
}

/** An empty list of commands. */
export function commandLog(): CommandLog {
  const noted = new Set<string>();
  return { note: (command) => void noted.add(command), commands: () => [...noted].toSorted() };
}

/** The commands that the documentation says are tested with a client, sorted: first and second column of its table. */
export async function documentedCommands(client: string): Promise<string[]> {
  const rows = (await readFile(page, "utf8")).matchAll(/^\| ([^|]+?) \| `([^`]+)` \|/gm);
  return [...rows].flatMap(([, who, command = ""]) => (who === client ? [command] : [])).toSorted();
}

const placeholders: ReadonlyMap<string, string> = new Map([
  ["--token", "TOKEN"],
  ["--search", "WORD"],
  ["--category", "NAME"],
  ["--tag", "NAME"],
  ["--package-name", "NAME"],
  ["--name", "NAME"],
  ["--version-id", "VERSION"],
  ["init", "NAME"],
  ["--dir", "FOLDER"],
  ["--parameters", "JSON"],
  ["--http_proxy", "ADDRESS"],
  ["--https_proxy", "ADDRESS"],
]);

/** A command line with words in place of its values. */
export function shapeOf(args: readonly string[]): string {
  const words = args.map((word, index) => {
    const before = args.slice(0, index).join(" ");
    return before === "set registry" ? "ADDRESS" : (placeholders.get(args[index - 1] ?? "") ?? word);
  });
  return ["s", ...words].join(" ");
}
