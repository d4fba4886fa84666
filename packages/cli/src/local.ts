import { access } from "node:fs/promises";
import { resolve } from "node:path";
import type { Logger } from "@serverless-registry/core";
import type { Config } from "../../../examples/standalone/src/config.ts";
import type { OpenRegistry } from "../../../examples/standalone/src/open-registry.ts";
import type { Cli } from "./cli.ts";
import { CliError, usageError } from "./failures.ts";

/**
 * The configuration that the standalone server would have here. The server lies outside of this package; its build takes in what is used.
 * @throws CliError `usage` naming every variable that is wrong
 */
export async function readServerConfig({ env }: Cli): Promise<Config> {
  const { readConfig } = await import("../../../examples/standalone/src/config.ts");
  const result = readConfig(env);
  if ("config" in result) return result.config;
  throw usageError(result.problems.join("; "), "serverless-registry serve --variables explains them");
}

/**
 * Opens the registry that the environment names, as the server would, and closes it afterwards.
 * @throws CliError `usage`, `missing_driver`, `no_database`
 */
export async function withRegistry<T>(cli: Cli, use: (open: OpenRegistry, config: Config) => Promise<T>): Promise<T> {
  const config = await readServerConfig(cli);
  await demandDatabase(cli, config);
  return openAs(cli, config, use);
}

/**
 * The same where a SQLite file that is missing is made.
 * @throws CliError `usage`, `missing_driver`
 */
export async function withNewRegistry<T>(
  cli: Cli,
  use: (open: OpenRegistry, config: Config) => Promise<T>,
): Promise<T> {
  return openAs(cli, await readServerConfig(cli), use);
}

function openAs<T>(cli: Cli, config: Config, use: (open: OpenRegistry, config: Config) => Promise<T>): Promise<T> {
  return withDrivers(async () => {
    const { openRegistry } = await import("../../../examples/standalone/src/open-registry.ts");
    const { causeOf } = await import("../../../examples/standalone/src/reasons.ts");
    const open = await openRegistry(config, quietLogger(cli, causeOf));
    try {
      return await use(open, config);
    } finally {
      await open.close();
    }
  });
}

/** Opening a SQLite file that is not there would make it, and find nothing in it. */
async function demandDatabase({ cwd }: Cli, { database }: Config): Promise<void> {
  if (database.kind !== "sqlite") return;
  await access(resolve(cwd, database.path)).catch((cause: unknown) => {
    const hint = "serverless-registry init makes it; DATABASE_URL says where it is";
    throw new CliError("no_database", `there is no database ${database.path}`, { ending: "missing", hint, cause });
  });
}

/** What only a log would tell stays unsaid, but not what a failure came from. */
function quietLogger(cli: Cli, causeOf: (error: unknown) => string): Logger {
  const say = (fields: object, message: string) =>
    cli.warn("err" in fields ? `${message}: ${causeOf(fields.err)}` : message);
  return { info() {}, warn: say, error: say };
}

/**
 * Runs what may need a driver that is not installed with this package.
 * @throws CliError `missing_driver`
 */
export async function withDrivers<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
    const [, name] = /Cannot find package '([^']+)'/.exec(isMissing ? error.message : "") ?? [];
    if (name === undefined) throw error;
    const hint = `npm install ${name} where serverless-registry is installed`;
    throw new CliError("missing_driver", `${name} is not installed`, { hint, cause: error });
  }
}
