import type { Actor, Caller, Context } from "../context.ts";
import { findPackageById } from "../db/packages.ts";
import { deleteRating, findRating, listRatings, type RatingRow, saveRating } from "../db/ratings.ts";
import { toIso, toRowTime } from "../domain/times.ts";
import { RegistryError } from "../errors.ts";
import type { Tx } from "../ports/database.ts";
import type { PackageInput } from "./releases.ts";
import { readablePackage, roleOf } from "./steps/access.ts";
import { applyChange } from "./steps/change.ts";
import { parseReason } from "./steps/reasons.ts";
import { requireScope } from "./steps/scopes.ts";

/** One user's opinion of a package. */
export interface Rating {
  username: string;
  /** 1 to 5. */
  rating: number;
  comment: string | null;
  /** ISO 8601, UTC. */
  createdAt: string;
}

/** An opinion to note. */
export interface RateInput extends PackageInput {
  /** A whole number from 1 to 5. */
  rating: unknown;
  /** At most 1000 characters. */
  comment?: string | undefined;
}

/**
 * Notes the actor's opinion of a package in place of their earlier one.
 * @throws invalid_rating, package_not_found, own_rating for members of the package who may publish
 */
export async function set(ctx: Context, actor: Actor, input: RateInput): Promise<Rating> {
  const { rating } = input;
  if (typeof rating !== "number" || !Number.isInteger(rating) || rating < 1 || rating > 5) {
    throw new RegistryError("invalid_rating", { details: { rating: "a whole number from 1 to 5" } });
  }
  const comment = parseReason(input.comment, "comment");
  const target = await readablePackage(ctx, actor, input.package);
  const created_at = toRowTime(ctx.clock.now());
  const request = { action: "rating.set", caller: actor, package: target, details: { rating } } as const;
  await applyChange(ctx, request, async (tx) => {
    await requireStranger(tx, actor, target.id);
    await saveRating(tx, { package_id: target.id, user_id: actor.userId, rating, comment, created_at });
  });
  return { username: actor.username, rating, comment, createdAt: toIso(created_at) };
}

/**
 * Takes the actor's opinion of a package back.
 * @throws package_not_found, rating_not_found
 */
export async function remove(ctx: Context, actor: Actor, input: PackageInput): Promise<void> {
  const target = await readablePackage(ctx, actor, input.package);
  await applyChange(ctx, { action: "rating.remove", caller: actor, package: target }, async (tx) => {
    if (!(await deleteRating(tx, target.id, actor.userId))) throw new RegistryError("rating_not_found");
  });
}

/**
 * The actor's opinion of a package.
 * @throws package_not_found, insufficient_scope, rating_not_found
 */
export async function get(ctx: Context, actor: Actor, input: PackageInput): Promise<Rating> {
  const target = await readablePackage(ctx, actor, input.package);
  requireScope(actor, { action: "read", package: target.name });
  const row = await findRating(ctx.database.reader, target.id, actor.userId);
  if (row === undefined) throw new RegistryError("rating_not_found");
  return toRating(row);
}

/**
 * The newest opinions of a package, at most 100.
 * @throws package_not_found
 */
export async function list(ctx: Context, caller: Caller, input: PackageInput): Promise<Rating[]> {
  const target = await readablePackage(ctx, caller, input.package);
  return (await listRatings(ctx.database.reader, target.id)).map(toRating);
}

/** Whoever publishes a package does not rate it; who reads a private one must be a reader of it still. */
async function requireStranger(tx: Tx, actor: Actor, packageId: number): Promise<void> {
  const [target] = await findPackageById(tx, { id: packageId });
  const role = await roleOf(tx, actor, packageId);
  if (role !== null && role !== "reader") throw new RegistryError("own_rating");
  if (target?.visibility !== "public" && role === null && !actor.isAdmin) throw new RegistryError("package_not_found");
}

function toRating(row: RatingRow): Rating {
  return { username: row.username, rating: row.rating, comment: row.comment, createdAt: toIso(row.created_at) };
}
