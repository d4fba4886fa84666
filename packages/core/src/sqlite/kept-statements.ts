import type { SqliteDatabase, SqliteStatement } from "kysely";
import { LRUCache } from "lru-cache";

/** What is needed of a better-sqlite3 database. */
export interface SqliteConnection extends SqliteDatabase {
  pragma(source: string, options?: { simple?: boolean }): unknown;
}

/** The statements of one connection. */
export type KeptStatements = Pick<SqliteDatabase, "prepare">;

/** Statements of a connection, each prepared once and handed out again. */
export function keptStatements(connection: SqliteConnection): KeptStatements {
  const statements = new LRUCache<string, SqliteStatement>({ max: 500 });
  return {
    prepare(sql) {
      let statement = statements.get(sql);
      if (statement === undefined) {
        statement = connection.prepare(sql);
        statements.set(sql, statement);
      }
      return statement;
    },
  };
}
