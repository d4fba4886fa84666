import { type Compilable, type CompiledQuery, type Kysely, type RawBuilder, sql } from "kysely";
import type { Database, Executor } from "../ports/database.ts";
import type { Tables } from "../ports/tables.ts";

type Values = Record<string, string | number>;

/** A query that is built and compiled once per database and then only given its values. */
export type Prepared<Args extends Values, Row> = (source: Database | Executor, args: Args) => Promise<Row[]>;

/** Stands in for a value while the query is built. */
class Placeholder {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/**
 * Makes a query of the hot paths. `build` is called once per database with stand-ins for the arguments.
 * Outside a transaction the query runs on a statement the database keeps; inside one, on the transaction.
 */
export function prepared<Args extends Values, Row>(
  build: (db: Kysely<Tables>, args: Args) => Compilable<Row>,
): Prepared<Args, Row> {
  const compiled = new WeakMap<object, CompiledQuery<Row>>();
  return async (source, args) => {
    const executor = "reader" in source ? source.reader : source;
    // Every transaction is an object of its own; what is compiled belongs to the engine behind all of them.
    const owner = executor.getExecutor().adapter.constructor;
    let query = compiled.get(owner);
    if (query === undefined) {
      query = build(executor, placeholders<Args>()).compile();
      compiled.set(owner, query);
    }
    const filled: CompiledQuery<Row> = {
      ...query,
      parameters: query.parameters.map((value) => (value instanceof Placeholder ? args[value.name] : value)),
    };
    return "reader" in source ? source.select(filled) : (await executor.executeQuery(filled)).rows;
  };
}

function placeholders<Args extends Values>(): Args {
  return new Proxy({} as Args, { get: (_, name) => new Placeholder(String(name)) });
}

/**
 * A text to compare an indexed column with, in a query over more than one table. SQLite plans such a statement anew for every
 * bare value (better-sqlite3 is built with STAT4); behind an expression it keeps the plan, which is several times faster.
 */
export function textValue(value: string): RawBuilder<string> {
  return sql<string>`coalesce(${value}, '')`;
}
