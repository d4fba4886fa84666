import { MysqlAdapter } from "kysely";
import type { Engine, Executor } from "../ports/database.ts";

/** Which SQL is spoken behind a query builder. */
export function engineOf(db: Executor): Engine {
  return db.getExecutor().adapter instanceof MysqlAdapter ? "mysql" : "sqlite";
}
