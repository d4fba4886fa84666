import { CompiledQuery, type DatabaseConnection, type Dialect, type Driver, SqliteAdapter } from "kysely";

/** SQLite rolls DDL back with the rest of a transaction, so a migration is all or nothing. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/**
 * A SQLite dialect whose transactions take the write lock at their start. A transaction that reads first and writes later
 * would fail at once when another process writes in between, whatever the busy timeout.
 */
export function immediateDialect(dialect: Dialect): Dialect {
  return {
    createAdapter: () => new TransactionalSqliteAdapter(),
    createDriver: () => immediateDriver(dialect.createDriver()),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
  };
}

function immediateDriver(driver: Driver): Driver {
  const begin = CompiledQuery.raw("begin immediate");
  driver.beginTransaction = async (connection: DatabaseConnection) => {
    await connection.executeQuery(begin);
  };
  return driver;
}
