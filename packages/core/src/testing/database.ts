import type { Database } from "../ports/database.ts";
import { describeBehaviours, type Skip } from "./behaviours.ts";
import { constraintBehaviours } from "./database/constraints.ts";
import type { DatabaseHarness } from "./database/harness.ts";
import { readingBehaviours } from "./database/reading.ts";
import { schemaBehaviours } from "./database/schema.ts";
import { searchingBehaviours } from "./database/searching.ts";
import { transactionBehaviours } from "./database/transactions.ts";
import { valueBehaviours } from "./database/values.ts";

/**
 * Registers the tests that every {@link Database} must pass. `create` makes a database without any table, `reopen` another
 * object on the same data; where there is no such thing, the tests that need it are skipped by name.
 */
export function describeDatabase(
  name: string,
  options: {
    create(): Promise<{ database: Database; reopen?(): Promise<Database>; cleanup(): Promise<void> }>;
    skip?: readonly Skip[];
  },
): void {
  const behaviours = {
    ...transactionBehaviours,
    ...constraintBehaviours,
    ...valueBehaviours,
    ...readingBehaviours,
    ...schemaBehaviours,
    ...searchingBehaviours,
  };
  describeBehaviours<DatabaseHarness>(name, behaviours, options);
}
