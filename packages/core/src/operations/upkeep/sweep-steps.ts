import { seal } from "../audit-chain.ts";
import { onStorage } from "../steps/storage-outage.ts";
import { expireUploads, removeApiKeys, removeCounters, removeEvents, removeNonces, removeTokens } from "./expired.ts";
import type { SweepStep } from "./sweep-step.ts";
import { deleteUnneeded, noteOrphans } from "./unneeded-blobs.ts";

/** What crashes left of uploads in the storage's place for bytes on their way in. */
const removeStaged: SweepStep<"staged"> = {
  name: "staged",
  async run({ ctx, stagedAgeMs, advance }) {
    advance(await onStorage(ctx, () => ctx.storage.sweepStaged(stagedAgeMs)));
  },
};

/** Lines of the audit log that no seal covers yet; without a server secret there are no seals. */
const sealAudit: SweepStep<"audit_seals"> = {
  name: "audit_seals",
  async run({ ctx, advance }) {
    if (ctx.keys.audit.length === 0) return;
    const { rows, problem } = await seal(ctx);
    advance(rows);
    if (problem !== null) throw new Error(`The audit log was not sealed: ${problem.what}, seal ${problem.seal}`);
  },
};

/** Everything that a sweep does, in this order. Orphans come before blobs, which then go in the same run. */
export const sweepSteps = [
  expireUploads,
  removeTokens,
  removeApiKeys,
  removeNonces,
  removeCounters,
  removeEvents,
  noteOrphans,
  deleteUnneeded,
  removeStaged,
  sealAudit,
] as const satisfies readonly SweepStep[];
