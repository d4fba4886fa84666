import type { Prepared } from "./init-database.ts";
import type { MysqlArguments } from "./init-mysql.ts";
import { defaultPath, initializeSqlite } from "./init-sqlite.ts";

/** What the command line says of a database. */
export interface InitArguments extends MysqlArguments {
  /** `sqlite`, the default, or `mysql`. */
  type?: string;
  path?: string;
}

const kinds = { sqlite: ["path"], mysql: ["host", "user", "password", "database", "ssl"] } as const;

/**
 * Makes a database, or brings an older one up to date.
 * @throws Error with what to do
 */
export async function initialize({ type = "sqlite", ...given }: InitArguments): Promise<Prepared> {
  if (type !== "sqlite" && type !== "mysql")
    throw new Error(`--type ${type}: there is no such kind; use --type sqlite or --type mysql`);
  const allowed: readonly string[] = kinds[type];
  const extra = Object.keys(given).find((name) => !allowed.includes(name));
  if (extra !== undefined)
    throw new Error(`--${extra} is not for --type ${type}, which takes --${kinds[type].join(", --")}`);
  if (type === "sqlite") return initializeSqlite(given.path ?? defaultPath);
  const { initializeMysql } = await import("./init-mysql.ts");
  return initializeMysql(given);
}

/** How a server is started on it; `start` is the command line. */
export function howToStart({ databaseUrl }: Prepared, start: string): string {
  if (databaseUrl === null) return `Start the server with: ${start}`;
  if (databaseUrl.startsWith("sqlite:")) return `Start the server with: DATABASE_URL=${databaseUrl} ${start}`;
  return `Start each server with the same SERVER_SECRET and: DATABASE_URL='${databaseUrl}' ${start}`;
}
