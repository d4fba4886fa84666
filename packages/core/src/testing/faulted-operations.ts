import { expect } from "vitest";
import type { BlobStorage } from "../ports/blob-storage.ts";
import type { Database } from "../ports/database.ts";
import { type Behaviours, describeBehaviours, type Skip } from "./behaviours.ts";
import { addMaintainer, changePassword, registerUser } from "./faulted/accounts.ts";
import { narrowRollout, refreshSession, removeMaintainer, yankVersion } from "./faulted/changes.ts";
import { type FaultHarness, type FaultMode, failEveryCall, type Scenario } from "./faulted/driver.ts";
import {
  deleteVersion,
  publishInTwoSteps,
  publishNew,
  publishNewer,
  publishTold,
  receiveArchive,
  restoreVersion,
} from "./faulted/publishing.ts";
import { sweepAway } from "./faulted/sweeping.ts";

const modes: Readonly<Record<string, FaultMode>> = {
  "fails once": {},
  "fails from then on": { forever: true },
  "has its effect and only the answer is lost": { moment: "after" },
};

/**
 * Registers tests that run whole operations on a database and a storage together while each of their calls fails in turn: the
 * answer is success or an outage, the state is whole or untouched, and trying again comes to the right end.
 * `create` makes a migrated database, `databaseFailure` an error as its engine reports an outage.
 */
export function describeFaultedOperations(
  name: string,
  options: {
    create(): Promise<{
      database: Database;
      storage: BlobStorage;
      databaseFailure(): Error;
      cleanup(): Promise<void>;
    }>;
    /** For the sake of the storage: only the operations that differ in what they ask of it. */
    storageOnly?: boolean;
    skip?: readonly Skip[];
  },
): void {
  const withArchive = ["stage", "write", "end", "commit", "discard"];
  const storing = {
    ...met("publish of a newer version in one call", publishNewer, withArchive),
    ...met("upload of the archive", receiveArchive, withArchive),
    ...met("sweep", sweepAway, ["list", "delete"]),
  };
  const others = {
    ...met("publish of a new package in one call", publishNew, withArchive),
    ...met("publish of which a listener is to be told", publishTold, withArchive),
    ...met("publish in two steps", publishInTwoSteps, withArchive),
    ...met("deletion", deleteVersion, []),
    ...met("restoration", restoreVersion, []),
    ...met("registration", registerUser, []),
    ...met("change of a password", changePassword, []),
    ...met("addition of a maintainer", addMaintainer, []),
    ...met("removal of a maintainer", removeMaintainer, []),
    ...met("yank", yankVersion, []),
    ...met("narrowing of a rollout", narrowRollout, []),
    ...met("refresh of a token", refreshSession, []),
  };
  const behaviours = options.storageOnly ? storing : { ...storing, ...others };
  describeBehaviours<FaultHarness>(name, behaviours, options);
}

/** A scenario in every mode. `calls`: what must have been met beside the database, so that the test cannot pass by doing nothing. */
function met<World>(title: string, scenario: Scenario<World>, calls: readonly string[]): Behaviours<FaultHarness> {
  const entries = Object.entries(modes).map(([how, mode]) => [
    `${title}: each call in turn ${how}`,
    async (harness: FaultHarness) => {
      const log = await failEveryCall(harness, scenario, mode);
      expect(log).toEqual(expect.arrayContaining(["db begin", "db statement", "db commit", ...calls]));
    },
  ]);
  return Object.fromEntries(entries);
}
