import { setTimeout as delay } from "node:timers/promises";
import { CompiledQuery, type DatabaseConnection, type Dialect, type Driver, SqliteAdapter } from "kysely";

/** SQLite rolls DDL back with the rest of a transaction, so a migration is all or nothing. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** How a transaction waits for others that write. */
export interface LockOptions {
  /** Longest wait, in milliseconds. */
  waitMs: number;
  /** Switches SQLite's own waiting off and on again: it would stop the whole process, also a writer that lives in it. */
  setWaiting?(on: boolean): void;
}

/**
 * A SQLite dialect whose transactions take the write lock at their start. A transaction that reads first and writes later
 * would fail at once when another process writes in between, whatever the busy timeout.
 */
export function immediateDialect(dialect: Dialect, lock: LockOptions): Dialect {
  return {
    createAdapter: () => new TransactionalSqliteAdapter(),
    createDriver: () => immediateDriver(dialect.createDriver(), lock),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
  };
}

function immediateDriver(driver: Driver, lock: LockOptions): Driver {
  driver.beginTransaction = (connection: DatabaseConnection) => beginImmediate(connection, lock);
  const rollback = driver.rollbackTransaction.bind(driver);
  driver.rollbackTransaction = async (connection: DatabaseConnection) => {
    try {
      await rollback(connection);
    } catch (error) {
      // SQLite has rolled back by itself (disk full, say). Failing here would hide from the caller why.
      if (!(error instanceof Error && error.message.includes("no transaction is active"))) throw error;
    }
  };
  return driver;
}

const begin = CompiledQuery.raw("begin immediate");

async function beginImmediate(connection: DatabaseConnection, { waitMs, setWaiting }: LockOptions): Promise<void> {
  let deadline: number | undefined;
  for (;;) {
    try {
      setWaiting?.(false);
      // Has run when the call returns, so that nothing else runs without waiting.
      const attempt = connection.executeQuery(begin);
      setWaiting?.(true);
      await attempt;
      return;
    } catch (error) {
      if (!isBusy(error)) throw error;
      deadline ??= performance.now() + waitMs;
      if (performance.now() >= deadline) throw error;
    }
    await delay(1 + Math.random() * 9);
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^SQLITE_BUSY/.test(String(error.code));
}
