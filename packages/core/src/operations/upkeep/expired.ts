import { setImmediate as nextTurn } from "node:timers/promises";
import type { Context } from "../../context.ts";
import { removeExpiredCounters, removeExpiredNonces, removeExpiredTokens } from "../../database-stores/expired.ts";
import { deleteExpiredApiKeys } from "../../db/api-keys.ts";
import { lockPackage } from "../../db/locks.ts";
import { deleteOldUploads, isAwaited, listOverdue, type OverdueRow } from "../../db/uploads.ts";
import { findVersionById, moveVersion } from "../../db/versions.ts";
import { nextStatus } from "../../domain/status.ts";
import { toRowTime } from "../../domain/times.ts";
import { type ForgottenEvents, removeDeliveredEvents, removeForgottenEvents } from "../steps/delivered-events.ts";
import type { SweepStep, SweepWork } from "./sweep-step.ts";

/** Rows of one transaction: few enough to hold nobody up. */
const batchRows = 500;
/** For so long it can be asked what became of an upload that ended without an archive. */
const keptUploadMs = 30 * 24 * 60 * 60_000;

/** Versions whose upload was not used in time expire; uploads that ended without an archive are forgotten after 30 days. */
export const expireUploads: SweepStep<"uploads"> = {
  name: "uploads",
  async run(work) {
    const now = toRowTime(work.ctx.clock.now());
    let after: OverdueRow | null = null;
    do {
      work.checkpoint();
      const page: OverdueRow[] = await listOverdue(work.ctx.database.reader, now, { after, limit: batchRows });
      for (const row of page) work.advance((await expireVersion(work.ctx, row)) ? 1 : 0);
      after = page.at(-1) ?? null;
    } while (after !== null);
    const before = toRowTime(work.ctx.clock.now() - keptUploadMs);
    await repeat(work, () => work.ctx.database.write((tx) => deleteOldUploads(tx, { before, limit: batchRows })));
  },
};

/** Ends the wait of a version for its archive; false when it waits no more, or waits for another upload. */
export function expireVersion(
  ctx: Context,
  { version_id: id, package_id: packageId }: Pick<OverdueRow, "version_id" | "package_id">,
): Promise<boolean> {
  const now = toRowTime(ctx.clock.now());
  return ctx.database.write(async (tx) => {
    await lockPackage(tx, packageId);
    const [version] = await findVersionById(tx, { id });
    const to = version === undefined ? null : nextStatus(version.status, "expire");
    if (version === undefined || to === null || (await isAwaited(tx, id, now))) return false;
    return moveVersion(tx, { id, from: version.status, to });
  });
}

export const removeTokens: SweepStep<"tokens"> = {
  name: "tokens",
  run: (work) => repeat(work, ({ database, clock }) => removeExpiredTokens(database, clock.now())),
};

export const removeApiKeys: SweepStep<"api_keys"> = {
  name: "api_keys",
  run: (work) =>
    repeat(work, ({ database, clock }) =>
      database.write((tx) => deleteExpiredApiKeys(tx, { now: toRowTime(clock.now()), limit: batchRows })),
    ),
};

export const removeNonces: SweepStep<"nonces"> = {
  name: "nonces",
  run: (work) => repeat(work, ({ database, clock }) => removeExpiredNonces(database, clock.now())),
};

export const removeCounters: SweepStep<"rate_counters"> = {
  name: "rate_counters",
  run: (work) => repeat(work, ({ database, clock }) => removeExpiredCounters(database, clock.now())),
};

export const removeEvents: SweepStep<"events"> = {
  name: "events",
  async run(work) {
    await repeat(work, removeDeliveredEvents);
    for (let after: number | null = 0; after !== null; ) {
      work.checkpoint();
      const { removed, next }: ForgottenEvents = await removeForgottenEvents(work.ctx, after);
      work.advance(removed);
      after = next;
      await nextTurn();
    }
  },
};

/** Removes batches until there is nothing left. */
async function repeat(work: SweepWork, removeSome: (ctx: Context) => Promise<number>): Promise<void> {
  for (;;) {
    work.checkpoint();
    const removed = await removeSome(work.ctx);
    if (removed === 0) return;
    work.advance(removed);
    await nextTurn();
  }
}
