import { mysql } from "@serverless-registry/core/mysql";
import { createConnection } from "mysql2/promise";
import { type Prepared, prepareDatabase } from "./init-database.ts";
import { mysqlReasons, reasonFor } from "./reasons.ts";

/** What the command line says of a MySQL database. */
export interface MysqlArguments {
  host?: string;
  user?: string;
  password?: string;
  database?: string;
  ssl?: boolean;
}

/**
 * Makes the database where it is missing and the user may, then the tables in it.
 * @throws Error with what to do
 */
export async function initializeMysql(given: MysqlArguments): Promise<Prepared> {
  const { host = "localhost", user, database, ssl = false } = given;
  if (!user) throw new Error("--user: name the MySQL user");
  if (!database) throw new Error("--database: name the database");
  const address = URL.parse(`mysql://${host}`);
  if (address === null || address.host !== host)
    throw new Error("--host: name a host, with its port where that is not 3306");
  const password = given.password ?? process.env.MYSQL_PASSWORD ?? "";
  const url = `mysql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}`;
  const tls = ssl ? `?ssl=${encodeURIComponent(JSON.stringify({ rejectUnauthorized: true }))}` : "";
  const settings = { host: "--host", login: "--user and --password" };
  try {
    await createDatabase(`${url}/${tls}`, database);
    const opened = mysql({ uri: `${url}/${encodeURIComponent(database)}${tls}` });
    const preparation = await prepareDatabase(opened, `${database} at ${host}`);
    const place = `${host}/${encodeURIComponent(database)}${ssl ? "?ssl=true" : ""}`;
    return { ...preparation, databaseUrl: `mysql://${encodeURIComponent(user)}:PASSWORD@${place}` };
  } catch (error) {
    throw new Error(reasonFor(error, mysqlReasons({ host, user, database, settings })), {
      cause: error,
    });
  }
}

async function createDatabase(url: string, database: string): Promise<void> {
  const connection = await createConnection(url);
  try {
    const name = database.replaceAll("`", "``");
    await connection.query(`CREATE DATABASE IF NOT EXISTS \`${name}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
  } catch (error) {
    // Who may not make databases may still use one that is there; if not, that is said when it is opened.
    if (!isDenied(error)) throw error;
  } finally {
    await connection.end();
  }
}

function isDenied(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).endsWith("ACCESS_DENIED_ERROR");
}
