import SqliteFile from "better-sqlite3";
import type { SqliteStatement } from "kysely";
import { migrate } from "../../src/db/migrations/index.ts";
import { sqlite } from "../../src/sqlite/index.ts";

/**
 * A process that migrates a database file and prints what it did and how many statements that took.
 * With a second argument it kills itself at that statement: before it runs, or (`after`) when it has run.
 */
const [path = "", killAt = "0", moment = "before"] = process.argv.slice(2);
const file = new SqliteFile(path);
let statements = 0;

function counted<T>(work: () => T): T {
  statements++;
  const dies = statements === Number(killAt);
  if (dies && moment === "before") process.kill(process.pid, "SIGKILL");
  const result = work();
  if (dies) process.kill(process.pid, "SIGKILL");
  return result;
}

function prepare(text: string): SqliteStatement {
  const statement = file.prepare<unknown[]>(text);
  return {
    reader: statement.reader,
    all: (parameters) => counted(() => statement.all(...parameters)),
    run: (parameters) => counted(() => statement.run(...parameters)),
    iterate: (parameters) => counted(() => statement.iterate(...parameters)),
  };
}

const pragma = (source: string, options?: { simple?: boolean }) => file.pragma(source, options);
const done = await migrate(sqlite({ database: { prepare, pragma, close: () => file.close() } }));
file.close();
console.log(JSON.stringify({ done, statements }));
