import SqliteFile from "better-sqlite3";
import { type Dialect, Kysely, type SqliteDatabase, SqliteDialect } from "kysely";
import type { Database } from "../ports/database.ts";
import type { Tables } from "../ports/tables.ts";
import { immediateDialect } from "./dialect.ts";
import { groupedWrites } from "./grouped-writes.ts";
import { type KeptStatements, keptStatements, type SqliteConnection } from "./kept-statements.ts";
import { snapshotFile } from "./snapshot.ts";
import { transactionsOn } from "./transactions.ts";

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
  /**
   * Used for everything, so reads wait while a change is written. Its pragmas are set as the registry needs them. Statements of
   * the host's own on it may fall into a transaction of the registry: better give it a connection that nobody else uses.
   */
  database: SqliteConnection;
}

/** A Kysely dialect for SQLite of the host's choice, with one connection. Its journal mode and pragmas are the host's affair. */
export interface SqliteDialectOptions {
  dialect: Dialect;
}

const defaultBusyTimeoutMs = 5000;

/** A SQLite database. `sqlite({ path: "./registry.db" })` is all most hosts need. */
export function sqlite(options: SqliteOptions): Database {
  if ("path" in options) return openFile(options);
  if ("dialect" in options) {
    const dialect = immediateDialect(options.dialect, { waitMs: defaultBusyTimeoutMs });
    return assemble({ writer: new Kysely<Tables>({ dialect }) });
  }
  const connection = options.database;
  setPragmas(connection, "full", defaultBusyTimeoutMs);
  const writing = keptStatements(connection);
  const writer = kyselyOn(writing, connection, defaultBusyTimeoutMs);
  const [{ file = "" } = {}] = connection.pragma("database_list") as { file: string }[];
  return assemble({ writer, writing, ...(file === "" ? {} : { path: file }) });
}

function openFile(options: SqliteFileOptions): Database {
  const { path, durability = "full", busyTimeoutMs = defaultBusyTimeoutMs } = options;
  const connection = new SqliteFile(path, { timeout: busyTimeoutMs });
  setPragmas(connection, durability, busyTimeoutMs);
  const writing = keptStatements(connection);
  const writer = kyselyOn(writing, connection, busyTimeoutMs);
  // A database in memory is seen by one connection only.
  if (connection.memory) return assemble({ writer, writing, connection, release: () => connection.close() });
  const readConnection = new SqliteFile(path, { timeout: busyTimeoutMs });
  setPragmas(readConnection, durability, busyTimeoutMs);
  readConnection.pragma("query_only = on");
  const statements = keptStatements(readConnection);
  const reader = kyselyOn(statements, readConnection, busyTimeoutMs);
  const release = () => {
    readConnection.close();
    connection.close();
  };
  return assemble({ path, writer, writing, connection, reader, statements, release });
}

function setPragmas(connection: SqliteConnection, durability: "full" | "normal", busyTimeoutMs: number): void {
  connection.pragma("journal_mode = wal");
  connection.pragma(`synchronous = ${durability}`);
  setWait(connection, busyTimeoutMs);
  connection.pragma("foreign_keys = on");
  connection.pragma("trusted_schema = off");
}

function setWait(connection: SqliteConnection, ms: number): void {
  connection.pragma(`busy_timeout = ${Math.trunc(ms)}`);
}

/** Kysely on a connection that it does not close: it would leave one open that it was never asked to use. */
function kyselyOn(statements: KeptStatements, connection: SqliteConnection, waitMs: number): Kysely<Tables> {
  const database: SqliteDatabase = { ...statements, close() {} };
  const setWaiting = (on: boolean) => setWait(connection, on ? waitMs : 0);
  return new Kysely<Tables>({ dialect: immediateDialect(new SqliteDialect({ database }), { waitMs, setWaiting }) });
}

interface Parts {
  /** Where the database is, if it is in a file. */
  path?: string;
  writer: Kysely<Tables>;
  /** Statements of the writer's connection. */
  writing?: KeptStatements;
  /** Connection of the writer, where nobody else has it: it can be asked whether others changed something. */
  connection?: SqliteConnection;
  reader?: Kysely<Tables>;
  /** Statements of the reader's connection. */
  statements?: KeptStatements;
  /** Closes the connections that were opened here. */
  release?(): void;
}

function assemble({ path, writer, writing, connection, reader = writer, statements, release }: Parts): Database {
  // Where the writer reads too, others would see what is not yet committed.
  const grouped = reader === writer ? undefined : groupedWrites(writer, writing);
  const dataVersion = connection === undefined ? undefined : keptStatements(connection).prepare("pragma data_version");
  return {
    engine: "sqlite",
    reader,
    async select<Row>(query: { sql: string; parameters: readonly unknown[] }) {
      if (statements !== undefined) return statements.prepare(query.sql).all(query.parameters) as Row[];
      return (await reader.executeQuery(query as never)).rows as Row[];
    },
    write: grouped?.write ?? transactionsOn(writer, writing),
    isUniqueViolation: (error) => /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)$/.test(errorCode(error)),
    outage(error) {
      const code = errorCode(error);
      if (/^SQLITE_FULL/.test(code)) return "insufficient_storage";
      return /^SQLITE_(BUSY|LOCKED|IOERR|CANTOPEN|READONLY|PROTOCOL|NOMEM)/.test(code) ? "unavailable" : null;
    },
    foreignChanges: () => (dataVersion?.all([]) as { data_version: number }[] | undefined)?.[0]?.data_version,
    ...(path === undefined ? {} : { snapshot: (to, options) => snapshotFile(path, to, options) }),
    async close() {
      await grouped?.idle();
      if (reader !== writer) await reader.destroy();
      await writer.destroy();
      release?.();
    },
  };
}

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
