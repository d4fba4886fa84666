import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { freePort } from "../../../scripts/test/free-port.ts";
import { type Machine, program } from "./cli.ts";

/** The server as the program runs it, with its data in the machine's folder. */
export async function serving({ cwd, env }: Machine, settings: Record<string, string> = {}) {
  const port = await freePort();
  const child = spawn(process.execPath, [...program, "serve"], {
    cwd,
    env: { ...env, ...settings, PORT: String(port) },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const messages = text(child.stderr);
  let log = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    log += piece;
  });
  const url = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(`${url}/readyz`)
      .then(({ ok }) => ok)
      .catch(() => false))
  ) {
    if (child.exitCode !== null) throw new Error(`${await messages}${log}`);
  }
  return {
    ...{ url, log: () => log },
    async stop() {
      child.kill("SIGTERM");
      const [code] = await once(child, "close");
      return { code, messages: await messages };
    },
  };
}
