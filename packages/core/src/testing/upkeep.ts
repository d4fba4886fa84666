import type { BlobStorage } from "../ports/blob-storage.ts";
import type { Database } from "../ports/database.ts";
import { describeBehaviours, type Skip } from "./behaviours.ts";
import { archiveChecking } from "./upkeep/archive-checking.ts";
import { blobSweeping } from "./upkeep/blob-sweeping.ts";
import { checking } from "./upkeep/checking.ts";
import { contendedSweeping } from "./upkeep/contended-sweeping.ts";
import type { UpkeepHarness } from "./upkeep/harness.ts";
import { resuming } from "./upkeep/resuming.ts";
import { rowSweeping } from "./upkeep/row-sweeping.ts";
import { sweepRace } from "./upkeep/sweep-race.ts";

/**
 * Registers tests of what keeps a registry tidy, `sweep`, `fsck` and `heal`, on a database and a storage together: what has had
 * its time goes, nothing else does, whoever publishes, deletes, restores or sweeps at the same moment; what is wrong is found.
 * `create` makes a migrated database, a storage whose times are the machine's, and a way to overwrite a stored blob behind its back.
 */
export function describeUpkeep(
  name: string,
  options: {
    create(): Promise<{
      database: Database;
      storage: BlobStorage;
      /** Replaces the bytes of a blob, or with null takes it away, as a broken disk would. */
      overwrite(digest: string, bytes: Buffer | null): Promise<void>;
      cleanup(): Promise<void>;
    }>;
    skip?: readonly Skip[];
  },
): void {
  describeBehaviours<UpkeepHarness>(
    name,
    {
      ...rowSweeping,
      ...blobSweeping,
      ...contendedSweeping,
      ...sweepRace,
      ...checking,
      ...archiveChecking,
      ...resuming,
    },
    options,
  );
}
