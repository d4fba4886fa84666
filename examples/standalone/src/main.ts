import { parseArgs } from "node:util";
import { type Config, describeVariables, readConfig } from "./config.ts";
import { messageOf, startReason } from "./reasons.ts";
import { startServer } from "./server.ts";

const help = `Serves a package registry over HTTP.

  npm start
  npm start -- --help

Everything is set by environment variables:

${describeVariables()}

SIGTERM and SIGINT stop the server: running requests may finish for ten seconds. A second signal stops it at once.
`;

/** Signals less than this apart are one: on Ctrl-C both the terminal and npm send one. */
const SAME_SIGNAL_MS = 500;

const config = configure();
if (config !== null) await serve(config);

function configure(): Config | null {
  try {
    const { values } = parseArgs({ options: { help: { type: "boolean", short: "h" } } });
    if (values.help) {
      process.stdout.write(help);
      return null;
    }
  } catch (error) {
    refuse([`${messageOf(error)}. There is only --help; everything is set by environment variables`]);
    return null;
  }
  const result = readConfig(process.env);
  if ("config" in result) return result.config;
  refuse(result.problems);
  return null;
}

async function serve(config: Config): Promise<void> {
  try {
    const server = await startServer(config);
    stopOnSignals(() => server.stop());
  } catch (error) {
    refuse([startReason(error, config)]);
  }
}

function stopOnSignals(stop: () => Promise<void>): void {
  let firstAt: number | undefined;
  const onSignal = () => {
    if (firstAt !== undefined) {
      if (performance.now() - firstAt >= SAME_SIGNAL_MS) process.exit(1);
      return;
    }
    firstAt = performance.now();
    stop().catch((error: unknown) => {
      console.error(`The server did not stop cleanly: ${messageOf(error)}`);
      process.exit(1);
    });
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

function refuse(reasons: string[]): void {
  const lines = reasons.length === 1 ? ` ${reasons[0]}` : ["", ...reasons].join("\n  ");
  console.error(`The server was not started:${lines}`);
  process.exitCode = 1;
}
