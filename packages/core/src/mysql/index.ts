import { Kysely } from "kysely";
import { createPool, type Pool } from "mysql2";
import type { Database } from "../ports/database.ts";
import type { Tables } from "../ports/tables.ts";
import { poolConnections } from "./connections.ts";
import { mysqlDialect } from "./dialect.ts";
import { mysqlDriver } from "./driver.ts";
import { isConnectionLost, isDuplicate, outageOf } from "./errors.ts";
import { repeatTransaction } from "./transactions.ts";

/** Where the MySQL or MariaDB database is. */
export type MysqlOptions = MysqlUriOptions | MysqlPoolOptions;

/** A database that the registry connects to itself. */
export interface MysqlUriOptions {
  /**
   * `mysql://user:password@host:port/database`, special characters of its parts percent-encoded. Options of mysql2 may
   * follow, `?ssl={"rejectUnauthorized":true}` for one, and `connectionLimit`.
   */
  uri: string;
  /** Most connections at the same time; default: the address's `?connectionLimit=`, else 10. */
  connectionLimit?: number;
  /** Longest wait for a free connection, in milliseconds; default 5000. */
  acquireTimeoutMs?: number;
  /**
   * Longest wait for the answer to a statement, in milliseconds; default 15,000. What a silent server was asked fails then as
   * if the connection had broken. Migrations are exempt.
   */
  statementTimeoutMs?: number;
}

/** A mysql2 pool that the host has made, and ends itself. */
export interface MysqlPoolOptions {
  /**
   * Best one that nobody else uses: its sessions get the time zone, SQL mode and isolation level that the registry needs. Of a
   * pool made by `mysql2/promise`, its `pool`.
   */
  pool: Pool;
  /** As above. */
  acquireTimeoutMs?: number;
  /** As above. */
  statementTimeoutMs?: number;
}

const defaultLimits = { acquireTimeoutMs: 5000, statementTimeoutMs: 15_000 };

/** Idle connections are tried after this time, so that one whose other end is gone is found before it is used. */
const keepAliveInitialDelay = 30_000;

/** Distinct statements that a connection keeps prepared. */
const maxPreparedStatements = 100;

/**
 * A MySQL (8.0.23 or later) or MariaDB (10.6 or later) database; it must exist, its tables are made by `migrate`.
 * `mysql({ uri: "mysql://registry:secret@db.example.com/registry" })` is all most hosts need.
 */
export function mysql(options: MysqlOptions): Database {
  const isOwn = "uri" in options;
  const pool = isOwn ? openPool(options) : options.pool;
  requireSingleStatements(pool);
  const { acquireTimeoutMs, statementTimeoutMs } = { ...defaultLimits, ...options };
  const driver = mysqlDriver(poolConnections(pool, { acquireTimeoutMs, statementTimeoutMs }));
  const db = new Kysely<Tables>({ dialect: mysqlDialect(driver) });
  let closing: Promise<void> | undefined;
  async function close(): Promise<void> {
    await db.destroy();
    if (isOwn) await endPool(pool);
  }
  return {
    engine: "mysql",
    reader: db,
    select: (query) => driver.select(query),
    write: (work) => repeatTransaction(() => db.transaction().execute(work), driver.isUndecided),
    isUniqueViolation: isDuplicate,
    outage: outageOf,
    foreignChanges: () => undefined,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function openPool({ uri, ...options }: MysqlUriOptions): Pool {
  const { pathname, protocol, searchParams } = new URL(uri);
  if (protocol !== "mysql:" || pathname.length < 2) {
    throw new TypeError("The address of a MySQL database looks like mysql://user:password@host:3306/database");
  }
  const connectionLimit = options.connectionLimit ?? Number(searchParams.get("connectionLimit") ?? 10);
  if (!Number.isSafeInteger(connectionLimit) || connectionLimit < 1) {
    throw new TypeError("The limit of connections to a MySQL database is a whole number from 1 on");
  }
  const keepAlive = { enableKeepAlive: true, keepAliveInitialDelay };
  return createPool({ uri, connectionLimit, maxPreparedStatements, charset: "utf8mb4", timezone: "Z", ...keepAlive });
}

/** A second statement in one is what an injection needs; nothing of ours does. */
function requireSingleStatements(pool: Pool): void {
  const { connectionConfig } = pool.config as unknown as { connectionConfig?: { multipleStatements?: boolean } };
  if (connectionConfig?.multipleStatements) {
    throw new TypeError("The registry needs a pool without multipleStatements");
  }
}

function endPool(pool: Pool): Promise<void> {
  return new Promise((resolve, reject) => {
    pool.end((error) => {
      // Those that are lost are closed.
      if (error && !isConnectionLost(error)) reject(error);
      else resolve();
    });
  });
}
