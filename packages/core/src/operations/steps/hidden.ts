import type { Caller, Context } from "../../context.ts";
import { listPartialRollouts } from "../../db/rollouts.ts";
import { clientOf, pickForClient } from "./reading.ts";

/** Packages of which no version is out for this client: left out before pages are cut, so that pages stay full. */
export async function hiddenIdsOf(ctx: Context, caller: Caller): Promise<number[]> {
  const clientId = clientOf(ctx, caller);
  const rollouts = await listPartialRollouts(ctx.database, {});
  return [...Map.groupBy(rollouts, (row) => row.package_id)]
    .filter(([, rows]) => pickForClient({ latestKey: null, latestRollout: 0 }, rows, clientId) === null)
    .map(([packageId]) => packageId);
}
