import {
  type Dialect,
  type DialectAdapter,
  type Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  sql,
} from "kysely";
import type { MysqlDriver } from "./driver.ts";

/** Longest wait for another process that migrates, in seconds. */
const migrationWaitSeconds = 600;

/** Takes turns in migrating one database; Kysely's own lock would make all databases of a server wait for each other. */
const lockName = sql`left(sha2(concat('serverless-registry ', database()), 256), 60)`;

class RegistryMysqlAdapter extends MysqlAdapter {
  override async acquireMigrationLock(db: Kysely<unknown>): Promise<void> {
    const { rows } = await sql<{ taken: number | null }>`
      select get_lock(${lockName}, ${sql.lit(migrationWaitSeconds)}) as taken`.execute(db);
    if (rows[0]?.taken !== 1) throw new Error("Another process has been migrating the database for too long");
  }

  override async releaseMigrationLock(db: Kysely<unknown>): Promise<void> {
    await sql`select release_lock(${lockName})`.execute(db);
  }
}

/** Kysely's dialect for MySQL on a driver of ours. */
export function mysqlDialect(driver: MysqlDriver): Dialect {
  return {
    createAdapter: (): DialectAdapter => new RegistryMysqlAdapter(),
    createDriver: () => driver,
    createIntrospector: (db) => new MysqlIntrospector(db),
    createQueryCompiler: () => new MysqlQueryCompiler(),
  };
}
