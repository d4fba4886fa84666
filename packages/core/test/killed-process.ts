import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Runs a script of the tests, on the sources; resolves to the JSON that it printed, or to null when it was killed. */
export async function runUntilKilled<Printed>(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Printed | null> {
  try {
    const command = ["--conditions=@serverless-registry/source", script, ...args];
    const { stdout } = await run(process.execPath, command, { env: { ...process.env, ...env } });
    return JSON.parse(stdout);
  } catch (error) {
    if ((error as { signal?: string }).signal === "SIGKILL") return null;
    throw error;
  }
}
