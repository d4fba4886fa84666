import { type Compilable, type CompiledQuery, type Kysely, type RawBuilder, sql } from "kysely";
import type { Database, Executor, Tx } from "../ports/database.ts";
import type { Tables } from "../ports/tables.ts";

type Values = Record<string, string | number | null>;

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
export function prepared<Args extends Values, Row>(build: Build<Args, Row>): Prepared<Args, Row> {
  const compile = compiledOnce(build);
  return async (source, args) => {
    if ("reader" in source) return source.select(compile(source.reader, args));
    return (await source.executeQuery(compile(source, args))).rows;
  };
}

/** What a change of rows has done. */
export interface Changed {
  /** The id of the row that was added; 0 when none was. */
  insertId: number;
  /** Rows that were changed or removed. */
  rows: number;
}

/** Makes a change of the hot paths, built and compiled once like a {@link prepared} query. */
export function preparedChange<Args extends Values>(
  build: Build<Args, unknown>,
): (tx: Tx, args: Args) => Promise<Changed> {
  const compile = compiledOnce(build);
  return async (tx, args) => {
    const { insertId = 0n, numAffectedRows = 0n } = await tx.executeQuery(compile(tx, args));
    return { insertId: Number(insertId), rows: Number(numAffectedRows) };
  };
}

/**
 * Makes a change of rows whose columns differ from call to call: built once for each set of columns that is ever changed together.
 * No name of `where` may be one of a changed column.
 */
export function preparedUpdate<Where extends Values, Row extends Values>(
  build: (db: Kysely<Tables>, where: Where, set: Partial<Row>) => Compilable<unknown>,
): (tx: Tx, where: Where, set: Partial<Row>) => Promise<Changed> {
  const changes = new Map<string, (tx: Tx, args: Where & Row) => Promise<Changed>>();
  return (tx, where, set) => {
    const names = Object.keys(set).filter((name) => set[name] !== undefined);
    const key = names.join();
    const change =
      changes.get(key) ??
      preparedChange<Where & Row>((db, args) => build(db, args, rowOf(args, names) as Partial<Row>));
    changes.set(key, change);
    return change(tx, { ...where, ...set } as Where & Row);
  };
}

/** These of the values, as a row to insert: stand-ins cannot be listed. */
export function rowOf<Args extends Values, Name extends keyof Args & string>(
  args: Args,
  names: readonly Name[],
): Pick<Args, Name> {
  return Object.fromEntries(names.map((name) => [name, args[name]])) as Pick<Args, Name>;
}

type Build<Args extends Values, Row> = (db: Kysely<Tables>, args: Args) => Compilable<Row> | RawBuilder<Row>;

function compiledOnce<Args extends Values, Row>(build: Build<Args, Row>) {
  const compiled = new WeakMap<object, CompiledQuery<Row>>();
  return (executor: Executor, args: Args): CompiledQuery<Row> => {
    // Every transaction is an object of its own; what is compiled belongs to the engine behind all of them.
    const owner = executor.getExecutor().adapter.constructor;
    let query = compiled.get(owner);
    if (query === undefined) {
      query = build(executor, placeholders<Args>()).compile(executor);
      compiled.set(owner, query);
    }
    const parameters = query.parameters.map((value) => (value instanceof Placeholder ? args[value.name] : value));
    return { ...query, parameters };
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

/** The same for a number. */
export function numberValue(value: number): RawBuilder<number> {
  return sql<number>`coalesce(${value}, 0)`;
}
