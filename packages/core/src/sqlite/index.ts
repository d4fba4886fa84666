import SqliteFile from "better-sqlite3";
import { type Dialect, Kysely, SqliteDialect } from "kysely";
import type { Database } from "../ports/database.ts";
import type { Tables } from "../ports/tables.ts";
import { immediateDialect } from "./dialect.ts";
import { keptStatements, type SqliteConnection } from "./kept-statements.ts";

export type { SqliteConnection } from "./kept-statements.ts";

/** Where the SQLite database is. */
export type SqliteOptions = SqliteFileOptions | SqliteHandleOptions | SqliteDialectOptions;

/** A database file that the registry opens and closes itself. */
export interface SqliteFileOptions {
  /** Path of the file; made when missing. Not on a network drive. */
  path: string;
  /**
   * `full` (default): an acknowledged change survives loss of power. `normal`: the last changes may be lost then, never
   * consistency; publishing is faster.
   */
  durability?: "full" | "normal";
  /** How long a write waits for another process that writes, in milliseconds; default 5000. */
  busyTimeoutMs?: number;
}

/** A better-sqlite3 database that the host has opened, and keeps open and closes itself. */
export interface SqliteHandleOptions {
  /** Used for everything, so reads wait while a change is written. Its pragmas are set as the registry needs them. */
  database: SqliteConnection;
}

/** A Kysely dialect for SQLite of the host's choice, with one connection. Its journal mode and pragmas are the host's affair. */
export interface SqliteDialectOptions {
  dialect: Dialect;
}

/** A SQLite database. `sqlite({ path: "./registry.db" })` is all most hosts need. */
export function sqlite(options: SqliteOptions): Database {
  if ("path" in options) return openFile(options);
  if ("dialect" in options) return assemble({ writer: new Kysely({ dialect: immediateDialect(options.dialect) }) });
  setPragmas(options.database, "full", 5000);
  const writer = kyselyOn({ ...keptStatements(options.database), close() {} });
  return assemble({ writer, connection: options.database });
}

function openFile({ path, durability = "full", busyTimeoutMs = 5000 }: SqliteFileOptions): Database {
  const connection = new SqliteFile(path, { timeout: busyTimeoutMs });
  setPragmas(connection, durability, busyTimeoutMs);
  const writer = kyselyOn(keptStatements(connection));
  // A database in memory is seen by one connection only.
  if (connection.memory) return assemble({ writer, connection });
  const readConnection = new SqliteFile(path, { timeout: busyTimeoutMs });
  setPragmas(readConnection, durability, busyTimeoutMs);
  readConnection.pragma("query_only = on");
  const statements = keptStatements(readConnection);
  return assemble({ writer, connection, reader: kyselyOn(statements), statements });
}

function setPragmas(connection: SqliteConnection, durability: "full" | "normal", busyTimeoutMs: number): void {
  connection.pragma("journal_mode = wal");
  connection.pragma(`synchronous = ${durability}`);
  connection.pragma(`busy_timeout = ${Math.trunc(busyTimeoutMs)}`);
  connection.pragma("foreign_keys = on");
  connection.pragma("trusted_schema = off");
}

function kyselyOn(database: ReturnType<typeof keptStatements>): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: immediateDialect(new SqliteDialect({ database })) });
}

interface Parts {
  writer: Kysely<Tables>;
  /** Connection of the writer, where it can be asked. */
  connection?: SqliteConnection;
  reader?: Kysely<Tables>;
  /** Statements of the reader's connection. */
  statements?: ReturnType<typeof keptStatements>;
}

function assemble({ writer, connection, reader = writer, statements }: Parts): Database {
  const dataVersion = connection === undefined ? undefined : keptStatements(connection).prepare("pragma data_version");
  return {
    engine: "sqlite",
    reader,
    async select<Row>(query: { sql: string; parameters: readonly unknown[] }) {
      if (statements !== undefined) return statements.prepare(query.sql).all(query.parameters) as Row[];
      return (await reader.executeQuery(query as never)).rows as Row[];
    },
    write: (work) => writer.transaction().execute(work),
    isUniqueViolation: (error) => /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)$/.test(errorCode(error)),
    outage(error) {
      const code = errorCode(error);
      if (/^SQLITE_FULL/.test(code)) return "insufficient_storage";
      return /^SQLITE_(BUSY|LOCKED|IOERR|CANTOPEN|READONLY)/.test(code) ? "unavailable" : null;
    },
    foreignChanges: () => (dataVersion?.all([]) as { data_version: number }[] | undefined)?.[0]?.data_version,
    async close() {
      if (reader !== writer) await reader.destroy();
      await writer.destroy();
    },
  };
}

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
