import type { Pool, PoolConnection, ResultSetHeader, TypeCast } from "mysql2";
import { acquireTimeout, statementTimeout } from "./errors.ts";

/** What a statement gives: rows, or what it changed. */
export type StatementResult = Record<string, unknown>[] | ResultSetHeader;

/** How a statement travels: as text, or prepared on the server and kept there. */
export type Protocol = "text" | "prepared";

/** The connections of a pool, each in the state that the registry relies on. */
export interface Connections {
  /** A connection that nobody else uses until it is released. Fails when none becomes free in time. */
  acquire(): Promise<PoolConnection>;
  /**
   * Runs one statement. Without an answer in time the connection is done away with and it fails as one whose connection broke.
   * Statements with `isUnlimited` may take as long as they like, and so may such as change tables or take turns.
   */
  run(connection: PoolConnection, statement: Statement): Promise<StatementResult>;
  /** Gives a connection back, or does away with it. */
  release(connection: PoolConnection, isSpent: boolean): void;
}

/** Longest wait for a row that somebody else has locked, in seconds. */
const lockWaitSeconds = 4;

/** Longest wait for a table whose definition somebody changes, in seconds. */
const tableWaitSeconds = 10;

const sqlMode =
  "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY";

/**
 * What every connection is told before its first use, whoever opened it and whatever the server's defaults are. Without
 * snapshots that last for a whole transaction, a transaction that waited for a lock sees what was committed meanwhile.
 */
const setUpStatements = [
  "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
  "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
  `SET SESSION sql_mode = '${sqlMode}', time_zone = '+00:00', autocommit = 1, foreign_key_checks = 1, unique_checks = 1,
    innodb_lock_wait_timeout = ${lockWaitSeconds}, lock_wait_timeout = ${tableWaitSeconds}`,
];

/** How values come back, whatever the pool was made with: times as text, whole numbers as numbers, nothing parsed. */
const valueOptions = {
  dateStrings: true,
  supportBigNumbers: true,
  decimalNumbers: false,
  rowsAsArray: false,
  nestTables: false,
  namedPlaceholders: false,
  jsonStrings: true,
} as const;

/** Longest waits, in milliseconds: for a free connection, and for the answer to a statement. */
export interface WaitLimits {
  acquireTimeoutMs: number;
  statementTimeoutMs: number;
}

/** The connections of `pool`. */
export function poolConnections(pool: Pool, { acquireTimeoutMs, statementTimeoutMs }: WaitLimits): Connections {
  const ready = new WeakSet<PoolConnection>();
  const isReset = pool.config.resetOnRelease === true;
  let clusterStatements: Promise<readonly string[]> | undefined;

  function run(connection: PoolConnection, statement: Statement): Promise<StatementResult> {
    const isUnlimited = statement.isUnlimited || lasting.test(statement.sql);
    const answer = runStatement(connection, statement);
    return isUnlimited ? answer : answeredInTime(answer, connection, statementTimeoutMs);
  }

  async function setUp(connection: PoolConnection): Promise<void> {
    if (ready.has(connection) && !isReset) return;
    requireUtf8(connection);
    // A connection that breaks while nobody uses it is removed by its pool; without a listener that would end the process.
    if (!ready.has(connection)) connection.on("error", () => undefined);
    for (const sql of setUpStatements) await run(connection, { sql });
    clusterStatements ??= run(connection, { sql: "SHOW SESSION VARIABLES LIKE 'wsrep_on'" }).then(statementsForCluster);
    for (const sql of await clusterStatements) await run(connection, { sql });
    ready.add(connection);
  }

  return {
    async acquire() {
      const connection = await take(pool, acquireTimeoutMs);
      try {
        await setUp(connection);
      } catch (error) {
        clusterStatements = undefined;
        connection.destroy();
        throw error;
      }
      return connection;
    },
    run,
    release(connection, isSpent) {
      if (isSpent) connection.destroy();
      else connection.release();
    },
  };
}

/** One statement with its values. */
export interface Statement {
  sql: string;
  parameters?: readonly unknown[];
  protocol?: Protocol;
  /** Whether it may take longer than others. */
  isUnlimited?: boolean;
}

/** Changes of tables, which copy them, and waits for one's turn. */
const lasting = /^\s*(create|alter|drop|rename|truncate|optimize|analyze)\b|\bget_lock\s*\(/i;

/** The driver's own limit leaves a connection behind that still waits for the answer. */
async function answeredInTime<T>(answer: Promise<T>, connection: PoolConnection, timeoutMs: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    connection.destroy();
    // Nobody is there to take part in an orderly end.
    (connection as unknown as { stream?: { destroy?(): void } }).stream?.destroy?.();
    late.reject(statementTimeout(timeoutMs));
  }, timeoutMs);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function runStatement(connection: PoolConnection, statement: Statement): Promise<StatementResult> {
  const { sql, parameters = [], protocol = "text" } = statement;
  const values = parameters.map(requireBindable);
  return new Promise((resolve, reject) => {
    const done = (error: (Error & { sql?: unknown }) | null, result: unknown) => {
      if (error === null) return resolve(result as StatementResult);
      // Holds the values too, and errors are logged.
      delete error.sql;
      reject(error);
    };
    const { typeCast, bigNumberStrings } = connection.config;
    // These two the pool's own choice outlives, unless there is a function in its place.
    const isCustom = typeof typeCast === "function" || bigNumberStrings === true;
    const options = { ...valueOptions, ...(isCustom ? { typeCast: readPlainly } : {}), sql, values };
    if (protocol === "prepared") connection.execute(options, done);
    else connection.query(options, done);
  });
}

/** Values as they are read without any option. */
const readPlainly: TypeCast = (field, next) => {
  const value = next();
  const number = field.type === "LONGLONG" && typeof value === "string" ? Number(value) : Number.NaN;
  return Number.isSafeInteger(number) ? number : value;
};

function take(pool: Pool, timeoutMs: number): Promise<PoolConnection> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      reject(acquireTimeout(timeoutMs));
    }, timeoutMs);
    pool.getConnection((error, connection) => {
      clearTimeout(timer);
      if (isLate) connection?.release();
      else if (error) reject(error);
      else resolve(connection);
    });
  });
}

/** In a Galera cluster reads wait until this node has everything that any node had committed before. */
function statementsForCluster(rows: StatementResult): readonly string[] {
  const isCluster = Array.isArray(rows) && rows.some((row) => /^(on|1)$/i.test(String(row.Value)));
  return isCluster ? ["SET SESSION wsrep_sync_wait = 1"] : [];
}

/** What is written in another encoding than the server is told would arrive as something else. */
function requireUtf8(connection: PoolConnection): void {
  const { clientEncoding } = connection as unknown as { clientEncoding?: string };
  if (clientEncoding !== undefined && clientEncoding !== "utf8") {
    throw new Error(`The registry needs a pool with charset utf8mb4, and this one encodes text as ${clientEncoding}`);
  }
}

/** Anything else would be written as SQL of its own, or as what nobody meant. */
function requireBindable(value: unknown): unknown {
  const isNumber = typeof value === "number" && Number.isFinite(value);
  if (isNumber || typeof value === "string" || typeof value === "bigint" || value === null) return value;
  throw new TypeError(`SQL values are texts, numbers or null, and this is ${typeof value}`);
}
