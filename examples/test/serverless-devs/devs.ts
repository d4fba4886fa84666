import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { runProgram, temporaryFolder } from "../processes.ts";
import { type CommandLog, shapeOf } from "./command-log.ts";

const offline = new URL("./offline.ts", import.meta.url).href;
const require = createRequire(import.meta.url);

const programs = {
  "3.1.10": require.resolve("serverless-devs-3/bin/s"),
  "2.2.2": require.resolve("serverless-devs-2/bin/s"),
};

/** Where a client keeps the safety code. */
export const safetyCodeFile = "serverless-devs-platform-V3.dat";

/** What one run of a client did. */
export interface Ran {
  code: number | null;
  /** What it wrote, without colours. */
  output: string;
}

/** The unchanged command line of Serverless Devs, with a home folder of its own and no network but this machine. */
export interface DevsClient {
  /** Runs it in a folder, or in its home. */
  run(args: readonly string[], folder?: string): Promise<Ran>;
  /** Runs one of the commands of the components that the `s.yaml` of a folder names; `as` says what is shown by that. */
  runProject(folder: string, command: string, as: string): Promise<Ran>;
  /** A file in the folder where it keeps what it knows. */
  path(...names: string[]): string;
  /** Hosts whose addresses it wanted to know. */
  lookups(): Promise<string[]>;
}

/** What a client starts with. */
export interface DevsClientOptions {
  version: keyof typeof programs;
  log: CommandLog;
  /** What `s set` would write. */
  settings?: Readonly<Record<string, string | boolean>>;
  /** What `s registry login --token` would keep. */
  safetyCode?: string;
  /** File with the certificate of an authority that it is to trust beside the usual ones. */
  authority?: string;
}

/** A client with an empty home folder, until the end of the test. */
export async function devsClient({
  version,
  log,
  settings = {},
  safetyCode,
  authority,
}: DevsClientOptions): Promise<DevsClient> {
  const home = await temporaryFolder();
  const path = (...names: string[]) => join(home, ".s", ...names);
  await mkdir(path("config"), { recursive: true });
  const lines = Object.entries({ analysis: "disable", ...settings }).map(([name, value]) => `${name}: ${value}\n`);
  await writeFile(path("set-config.yml"), lines.join(""));
  if (safetyCode !== undefined) await writeFile(path(safetyCodeFile), safetyCode);
  const LOOKUPS = join(home, "lookups");
  await writeFile(LOOKUPS, "");
  const env = {
    HOME: home,
    PATH: process.env.PATH ?? "",
    NODE_OPTIONS: `--import=${offline}`,
    LOOKUPS,
    ...(authority && { NODE_EXTRA_CA_CERTS: authority }),
  };
  const start = async (args: readonly string[], cwd: string) => {
    const { code, output } = await runProgram([programs[version], ...args], { cwd, env });
    return { code, output: stripVTControlCharacters(output) };
  };
  return {
    run(args, folder = home) {
      log.note(shapeOf(args));
      return start(args, folder);
    },
    runProject(folder, command, as) {
      log.note(as);
      return start([command], folder);
    },
    path,
    lookups: async () => [...new Set((await readFile(LOOKUPS, "utf8")).split("\n").filter(Boolean))],
  };
}
