import type { Kysely } from "kysely";
import type { Tx } from "../ports/database.ts";
import type { Tables } from "../ports/tables.ts";
import type { KeptStatements } from "./kept-statements.ts";

/** Runs `work` in a transaction of its own. */
export type Transact = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;

/**
 * Transactions of a connection. Compiled queries go straight to its `statements`, where there are any: the query builder's way to
 * its own connection takes longer than most of them.
 */
export function transactionsOn(writer: Kysely<Tables>, statements?: KeptStatements): Transact {
  if (statements === undefined) return (work) => writer.transaction().execute(work);
  return (work) =>
    writer.transaction().execute(async (tx) => {
      const byBuilder = tx.executeQuery;
      const straight: typeof byBuilder = async (query, options) => {
        if ("compile" in query || options !== undefined) return byBuilder.call(tx, query, options) as never;
        return run(statements, query) as never;
      };
      tx.executeQuery = straight;
      try {
        return await work(tx);
      } finally {
        // Whoever kept it is told by the query builder that the transaction is over.
        tx.executeQuery = byBuilder;
      }
    });
}

function run(statements: KeptStatements, { sql, parameters }: { sql: string; parameters: readonly unknown[] }) {
  const statement = statements.prepare(sql);
  if (statement.reader) return { rows: statement.all(parameters) };
  const { changes, lastInsertRowid } = statement.run(parameters);
  return { insertId: BigInt(lastInsertRowid), numAffectedRows: BigInt(changes), rows: [] };
}
