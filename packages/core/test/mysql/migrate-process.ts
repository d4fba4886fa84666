import { createPool, type PoolConnection } from "mysql2";
import { migrate } from "../../src/db/migrations/index.ts";
import { mysql } from "../../src/mysql/index.ts";

/**
 * A process that migrates a database and prints what it did and how many statements that took.
 * With a second argument it kills itself at that statement, given by its number or by a part of it: before it is sent, or
 * (`after`) when it has run.
 */
const [uri = "", killAt = "0", moment = "before"] = process.argv.slice(2);
const pool = createPool({ uri, connectionLimit: 2 });
const watched = new WeakSet<PoolConnection>();
let statements = 0;

function watch(connection: PoolConnection): void {
  if (watched.has(connection)) return;
  watched.add(connection);
  const query = connection.query.bind(connection) as (
    options: unknown,
    done: (...result: unknown[]) => void,
  ) => unknown;
  const counted = (options: unknown, done: (...result: unknown[]) => void) => {
    statements++;
    const dies = statements === Number(killAt) || (Number.isNaN(Number(killAt)) && textOf(options).includes(killAt));
    if (dies && moment === "before") process.kill(process.pid, "SIGKILL");
    return query(options, (...result) => {
      if (dies) process.kill(process.pid, "SIGKILL");
      done(...result);
    });
  };
  Object.assign(connection, { query: counted });
}

function textOf(options: unknown): string {
  return typeof options === "string" ? options : String((options as { sql?: unknown }).sql);
}

pool.on("acquire", watch);
const database = mysql({ pool });
const done = await migrate(database);
await database.close();
await pool.promise().end();
console.log(JSON.stringify({ done, statements }));
