import type { CompiledQuery, KyselyPlugin } from "kysely";
import type { Database, Tx } from "../ports/database.ts";
import type { FaultPlan } from "./faults.ts";

/**
 * A database that does what `database` does, except for the calls that `plan` makes fail: `db read` (outside a
 * transaction), `db begin`, `db statement` (inside one) and `db commit`. A commit that fails before its effect rolls back; one that fails after it
 * stays done and only the answer is lost.
 */
export function faultyDatabase(database: Database, plan: FaultPlan): Database {
  return {
    engine: database.engine,
    reader: database.reader.withPlugin(failing("db read", plan)),
    select: <Row>(query: CompiledQuery<Row>) => plan.run("db read", () => database.select(query)),
    write: (work) => writeFaultily(database, plan, work),
    isUniqueViolation: (error) => database.isUniqueViolation(error),
    outage: (error) => database.outage(error),
    foreignChanges: () => database.foreignChanges(),
    close: () => database.close(),
  };
}

/** Fails once the statement has run: to its caller, and to the transaction that rolls back, it is the same as not having run. */
function failing(call: string, plan: FaultPlan): KyselyPlugin {
  return {
    transformQuery: ({ node }) => node,
    transformResult: ({ result }) => plan.run(call, () => result),
  };
}

async function writeFaultily<T>(database: Database, plan: FaultPlan, work: (tx: Tx) => Promise<T>): Promise<T> {
  await plan.run("db begin", () => undefined);
  const worked = Promise.withResolvers<void>();
  const decided = Promise.withResolvers<void>();
  const ended = database.write(async (tx) => {
    const result = await work(tx.withPlugin(failing("db statement", plan)));
    worked.resolve();
    await decided.promise;
    return result;
  });
  await Promise.race([worked.promise, ended]);
  try {
    return await plan.run("db commit", () => {
      decided.resolve();
      return ended;
    });
  } catch (error) {
    decided.reject(error);
    await ended.catch(() => undefined);
    throw error;
  }
}
