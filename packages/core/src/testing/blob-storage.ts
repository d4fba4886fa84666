import type { BlobStorage } from "../ports/blob-storage.ts";
import { describeBehaviours, type Skip } from "./behaviours.ts";
import { type BlobHarness, readingBehaviours } from "./blob-reading.ts";
import { stagingBehaviours } from "./blob-staging.ts";

/** Registers the tests that every {@link BlobStorage} must pass. `create` makes an empty storage. */
export function describeBlobStorage(
  name: string,
  options: {
    create(): Promise<{ storage: BlobStorage; cleanup(): Promise<void> }>;
    skip?: readonly Skip[];
  },
): void {
  describeBehaviours<BlobHarness>(name, { ...readingBehaviours, ...stagingBehaviours }, options);
}
