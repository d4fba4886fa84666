import type { BlobStorage } from "../ports/blob-storage.ts";
import type { Database } from "../ports/database.ts";
import { describeBehaviours, type Skip } from "./behaviours.ts";
import { blobSweeping } from "./upkeep/blob-sweeping.ts";
import { contendedSweeping } from "./upkeep/contended-sweeping.ts";
import type { UpkeepHarness } from "./upkeep/harness.ts";
import { rowSweeping } from "./upkeep/row-sweeping.ts";

/**
 * Registers tests of what keeps a registry tidy, `sweep`, on a database and a storage together: what has had its time goes,
 * nothing else does, whoever publishes, deletes, restores or sweeps at the same moment. `create` makes a migrated database, and
 * a storage whose times are the machine's.
 */
export function describeUpkeep(
  name: string,
  options: {
    create(): Promise<{ database: Database; storage: BlobStorage; cleanup(): Promise<void> }>;
    skip?: readonly Skip[];
  },
): void {
  describeBehaviours<UpkeepHarness>(name, { ...rowSweeping, ...blobSweeping, ...contendedSweeping }, options);
}
