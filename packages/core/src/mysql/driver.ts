import { CompiledQuery, type DatabaseConnection, type Driver, type QueryResult } from "kysely";
import type { PoolConnection } from "mysql2";
import type { Connections, Protocol, StatementResult } from "./connections.ts";
import { isConflict, isConnectionLost, isConnectionSpent, isStatementTimeout } from "./errors.ts";

/** A driver that survives lost connections, and tells which transactions nobody knows the end of. */
export interface MysqlDriver extends Driver {
  /** Runs one read outside a transaction on a statement that the server has prepared. */
  select<Row>(query: CompiledQuery<Row>): Promise<Row[]>;
  /** True for the failure of a COMMIT that may have happened all the same. */
  isUndecided(error: unknown): boolean;
}

/** What may be sent again on another connection when the first one broke: it changes nothing. */
const repeatable = /^\s*(select|show|begin)\b/i;

/** Begins migrations. */
const migrationLock = /\bget_lock\s*\(/i;

/** The server does not know the prepared statement any more, has room for no more, or cannot prepare it. */
const preparationFailures: ReadonlySet<unknown> = new Set([1243, 1295, 1461, 1615]);

/** A Kysely driver on the connections of a mysql2 pool. The pool is ended by whoever made it. */
export function mysqlDriver(connections: Connections): MysqlDriver {
  const undecided = new WeakSet<Error>();

  async function acquireConnection(): Promise<Session> {
    return session(connections, await connections.acquire());
  }

  return {
    async init() {},
    acquireConnection,
    async releaseConnection(connection) {
      (connection as Session).release();
    },
    async beginTransaction(connection) {
      await (connection as Session).begin();
    },
    async commitTransaction(connection) {
      try {
        await connection.executeQuery(CompiledQuery.raw("commit"));
      } catch (error) {
        if (error instanceof Error && !isConflict(error)) undecided.add(error);
        throw error;
      }
    },
    async rollbackTransaction(connection) {
      await (connection as Session).rollBack();
    },
    async destroy() {},
    async select<Row>(query: CompiledQuery<Row>) {
      const connection = await acquireConnection();
      try {
        return (await connection.select<Row>(query)).rows;
      } finally {
        connection.release();
      }
    },
    isUndecided: (error) => error instanceof Error && undecided.has(error),
  };
}

/** One use of a pooled connection, from its acquisition to its release. */
interface Session extends DatabaseConnection {
  select<Row>(query: CompiledQuery): Promise<QueryResult<Row>>;
  begin(): Promise<void>;
  rollBack(): Promise<void>;
  release(): void;
}

function session(connections: Connections, first: PoolConnection): Session {
  let connection = first;
  let isFresh = true;
  let isSpent = false;
  let inTransaction = false;
  /** From the migrations' lock on, all that a session runs is theirs. */
  let isMigrating = false;
  /** Why the transaction is over, although its work may not have noticed. */
  let ended: unknown;

  async function send(query: CompiledQuery, protocol: Protocol): Promise<StatementResult> {
    const { sql, parameters } = query;
    const mayMove = isFresh && repeatable.test(sql);
    isFresh = false;
    isMigrating ||= migrationLock.test(sql);
    const statement = { sql, parameters, protocol, isUnlimited: isMigrating };
    try {
      return await connections.run(connection, statement);
    } catch (error) {
      isSpent ||= isConnectionSpent(error);
      if (!mayMove || !isConnectionLost(error) || isStatementTimeout(error)) throw error;
    }
    connections.release(connection, true);
    connection = await connections.acquire();
    isSpent = false;
    return connections.run(connection, statement).catch((error: unknown) => {
      isSpent = isConnectionSpent(error);
      throw error;
    });
  }

  async function executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    // What would run now would run outside of the transaction.
    if (ended !== undefined) throw ended;
    try {
      return toResult<Row>(await send(query, "text"));
    } catch (error) {
      if (inTransaction && (isConflict(error) || isConnectionLost(error))) ended = error;
      throw error;
    }
  }

  return {
    executeQuery,
    async *streamQuery<Row>(query: CompiledQuery) {
      yield await executeQuery<Row>(query);
    },
    async select<Row>(query: CompiledQuery) {
      try {
        return toResult<Row>(await send(query, "prepared"));
      } catch (error) {
        if (!(error instanceof Error && "errno" in error && preparationFailures.has(error.errno))) throw error;
        return executeQuery<Row>(query);
      }
    },
    async begin() {
      await executeQuery(CompiledQuery.raw("begin"));
      inTransaction = true;
    },
    async rollBack() {
      try {
        await connections.run(connection, { sql: "rollback", isUnlimited: isMigrating });
        ended = undefined;
        inTransaction = false;
      } catch {
        // The server rolls back what a lost connection had begun. Failing here would hide from the caller why.
        isSpent = true;
      }
    },
    release: () => connections.release(connection, isSpent),
  };
}

function toResult<Row>(result: StatementResult): QueryResult<Row> {
  if (Array.isArray(result)) return { rows: result as Row[] };
  const { affectedRows, changedRows } = result;
  const insertId = BigInt(result.insertId);
  return {
    ...(insertId === 0n ? {} : { insertId }),
    numAffectedRows: BigInt(affectedRows),
    numChangedRows: BigInt(changedRows),
    rows: [],
  };
}
