import type { Database } from "../ports/database.ts";
import { describeBehaviours, type Skip } from "./behaviours.ts";
import { constraintBehaviours } from "./database/constraints.ts";
import { contendingBehaviours } from "./database/contending.ts";
import type { DatabaseHarness } from "./database/harness.ts";
import { migratingBehaviours } from "./database/migrating.ts";
import { readingBehaviours } from "./database/reading.ts";
import { schemaBehaviours } from "./database/schema.ts";
import { sealingBehaviours } from "./database/sealing.ts";
import { searchingBehaviours } from "./database/searching.ts";
import { transactionBehaviours } from "./database/transactions.ts";
import { valueBehaviours } from "./database/values.ts";

/** Makes what one test of {@link describeDatabase} needs. */
export type CreateDatabase = () => Promise<{
  database: Database;
  /** Another object on the same data. Where there is no such thing, the tests that need it are skipped by name. */
  reopen?(): Promise<Database>;
  cleanup(): Promise<void>;
}>;

/** Registers the tests that every {@link Database} must pass. */
export function describeDatabase(
  name: string,
  options: {
    /** Makes a database without any table. */
    create: CreateDatabase;
    /** Makes a database that is migrated and has no rows, where that is faster; most tests need no more. */
    createMigrated?: CreateDatabase;
    skip?: readonly Skip[];
  },
): void {
  const { create, createMigrated = create, skip = [] } = options;
  const behaviours = {
    ...migratingBehaviours,
    ...transactionBehaviours,
    ...contendingBehaviours,
    ...constraintBehaviours,
    ...valueBehaviours,
    ...readingBehaviours,
    ...schemaBehaviours,
    ...searchingBehaviours,
    ...sealingBehaviours,
  };
  describeBehaviours<DatabaseHarness>(name, behaviours, {
    create: (title) => (Object.hasOwn(migratingBehaviours, title) ? create() : createMigrated()),
    skip,
  });
}
