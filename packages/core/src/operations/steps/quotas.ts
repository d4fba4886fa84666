import type { Actor, Context } from "../../context.ts";
import { countNewPackages, countOpenUploads, sumPublishedBytes } from "../../db/quotas.ts";
import { fromRowTime, toRowTime } from "../../domain/times.ts";
import { RegistryError } from "../../errors.ts";
import type { Executor, Tx } from "../../ports/database.ts";

const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;

/**
 * Refuses a new package of a user who made enough of them in the last hour. As with all quotas, administrators have none.
 * @throws quota_exceeded
 */
export async function requirePackageQuota(ctx: Context, tx: Tx, actor: Actor): Promise<void> {
  const { newPackagesPerHour } = ctx.limits;
  if (actor.isAdmin || newPackagesPerHour === Number.POSITIVE_INFINITY) return;
  const made = await countNewPackages(tx, actor.userId, toRowTime(ctx.clock.now() - hourMs));
  if (made.amount < newPackagesPerHour) return;
  throw exceeded(ctx, { newPackagesPerHour }, made.earliest, hourMs);
}

/**
 * Refuses another open upload of a user who has enough of them.
 * @throws quota_exceeded
 */
export async function requireUploadQuota(ctx: Context, tx: Tx, actor: Actor): Promise<void> {
  const { openUploads } = ctx.limits;
  if (actor.isAdmin || openUploads === Number.POSITIVE_INFINITY) return;
  const open = await countOpenUploads(tx, actor.userId, toRowTime(ctx.clock.now()));
  if (open.amount < openUploads) return;
  throw exceeded(ctx, { openUploads }, open.earliest, 0);
}

/**
 * Refuses an archive of a user who published enough bytes in the last 24 hours.
 * @throws quota_exceeded
 */
export async function requireByteQuota(
  ctx: Context,
  db: Executor,
  { actor, size }: { actor: Actor; size: number },
): Promise<void> {
  const { publishedBytesPerDay } = ctx.limits;
  if (actor.isAdmin || publishedBytesPerDay === Number.POSITIVE_INFINITY) return;
  const published = await sumPublishedBytes(db, actor.userId, toRowTime(ctx.clock.now() - dayMs));
  if (published.amount + size <= publishedBytesPerDay) return;
  throw exceeded(ctx, { publishedBytesPerDay }, published.earliest, dayMs);
}

/** Trying again makes sense when the earliest of what counts has left the window. */
function exceeded(ctx: Context, quota: Record<string, number>, earliest: string | null, windowMs: number) {
  const now = ctx.clock.now();
  const freeAt = (fromRowTime(earliest) ?? now) + windowMs;
  return new RegistryError("quota_exceeded", { details: quota, retryAfterMs: Math.max(1000, freeAt - now) });
}
