import type { Kysely, QueryResult } from "kysely";
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
      const byBuilder = tx.executeQuery.bind(tx);
      const straight = async (...[query, options]: Parameters<Tx["executeQuery"]>) =>
        "compile" in query || options !== undefined ? byBuilder(query, options) : run(statements, query);
      // The rows are whatever the query says that they are.
      tx.executeQuery = straight as Tx["executeQuery"];
      try {
        return await work(tx);
      } finally {
        // Whoever kept it is told by the query builder that the transaction is over.
        tx.executeQuery = byBuilder;
      }
    });
}

function run(
  statements: KeptStatements,
  { sql, parameters }: { sql: string; parameters: readonly unknown[] },
): QueryResult<unknown> {
  const statement = statements.prepare(sql);
  if (statement.reader) return { rows: statement.all(parameters) };
  const { changes, lastInsertRowid } = statement.run(parameters);
  return { insertId: BigInt(lastInsertRowid), numAffectedRows: BigInt(changes), rows: [] };
}
