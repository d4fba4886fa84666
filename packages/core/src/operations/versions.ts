import type { Actor, Context } from "../context.ts";
import { refreshPackage } from "../db/package-index.ts";
import { updateRollout } from "../db/rollouts.ts";
import { moveVersion, type VersionRow } from "../db/versions.ts";
import type { Permission } from "../domain/permissions.ts";
import { parseRatio } from "../domain/rollout.ts";
import { nextPrevious, nextStatus, type Transition } from "../domain/status.ts";
import { fromRowTime, toRowTime } from "../domain/times.ts";
import { type ErrorCode, RegistryError } from "../errors.ts";
import type { Tx } from "../ports/database.ts";
import type { VersionInput } from "./releases.ts";
import { changeablePackage, readablePackage, requireAdmin, requireRole, requireVersion } from "./steps/access.ts";
import { applyChange } from "./steps/change.ts";
import { parseReason } from "./steps/reasons.ts";
import { showChanged } from "./steps/showing.ts";
import { keepStored } from "./steps/stored.ts";
import type { Release } from "./steps/views.ts";

/** Which version to warn of, and why. */
export interface YankInput extends VersionInput {
  /** At most 1000 characters. */
  reason?: string | undefined;
}

/**
 * Warns of a version: it leaves *latest* and search, and can still be read and downloaded by its number.
 * @throws package_not_found, forbidden, version_not_found, invalid_transition
 */
export async function yank(ctx: Context, actor: Actor, input: YankInput): Promise<Release> {
  const yank_reason = parseReason(input.reason);
  const step = { action: "release.yank", transition: "yank", permission: "yank" } as const;
  const details = yank_reason === null ? {} : { reason: yank_reason };
  await moveByMember(ctx, actor, input, { ...step, details, values: () => ({ yank_reason }) });
  return showChanged(ctx, actor, input);
}

/**
 * Takes the warning of a version back.
 * @throws package_not_found, forbidden, version_not_found, invalid_transition
 */
export async function unyank(ctx: Context, actor: Actor, input: VersionInput): Promise<Release> {
  const step = { action: "release.unyank", transition: "unyank", permission: "yank" } as const;
  await moveByMember(ctx, actor, input, { ...step, values: () => ({ yank_reason: null }) });
  return showChanged(ctx, actor, input);
}

/**
 * Deletes a version: nobody reads it any more and its number is never free again. It can be restored for some days.
 * @throws version_not_found, delete_forbidden
 */
export async function remove(ctx: Context, actor: Actor, input: VersionInput): Promise<void> {
  await moveByMember(ctx, actor, input, {
    action: "release.delete",
    transition: "delete",
    permission: "delete",
    forbidden: "delete_forbidden",
    notFound: "version_not_found",
    impossible: "version_not_found",
    values: () => ({ deleted_at: toRowTime(ctx.clock.now()) }),
  });
}

/**
 * Takes a deletion back.
 * @throws package_not_found, forbidden, version_not_found, invalid_transition, restore_expired
 */
export async function restore(ctx: Context, actor: Actor, input: VersionInput): Promise<Release> {
  const step = { action: "release.restore", transition: "restore", permission: "restore" } as const;
  await moveByMember(ctx, actor, input, {
    ...step,
    async require(tx, version) {
      const deletedAt = fromRowTime(version.deleted_at) ?? 0;
      if (deletedAt + ctx.limits.restoreWindowMs < ctx.clock.now()) throw new RegistryError("restore_expired");
      // A sweep whose clock is ahead may have taken the archive already.
      if (!(await keepStored(ctx, tx, version))) throw new RegistryError("restore_expired");
    },
    values: () => ({ deleted_at: null }),
  });
  return showChanged(ctx, actor, input);
}

/** A version and the share of the clients it is out for. */
export interface RolloutInput extends VersionInput {
  /** From 0 (nobody) to 1 (everybody). Raising it only ever adds clients. */
  ratio: unknown;
}

/**
 * Sets for what share of the clients an active version takes part in *latest*.
 * @throws invalid_rollout, package_not_found, forbidden, version_not_found, invalid_transition
 */
export async function setRollout(ctx: Context, actor: Actor, input: RolloutInput): Promise<Release> {
  const ratio = parseRatio(input.ratio);
  const requirement = { permission: "rollout", forbidden: "forbidden" } as const;
  const target = await changeablePackage(ctx, actor, input.package, requirement);
  const version = await requireVersion(ctx.database, target.id, input.version);
  const request = {
    action: "release.rollout",
    caller: actor,
    package: target,
    version: input.version,
    details: { ratio },
  } as const;
  await applyChange(ctx, request, async (tx) => {
    await requireRole(tx, actor, target.id, requirement);
    if (!(await updateRollout(tx, version.id, ratio))) throw new RegistryError("invalid_transition");
    await refreshPackage(tx, target.id, { nowMs: ctx.clock.now() });
  });
  return showChanged(ctx, actor, input);
}

/**
 * Hides a version from everybody, whatever its state. Administrators only.
 * @throws forbidden, version_not_found, invalid_transition
 */
export async function block(ctx: Context, actor: Actor, input: YankInput): Promise<void> {
  const reason = parseReason(input.reason);
  await moveByAdmin(ctx, actor, input, { action: "release.block", transition: "block", reason });
}

/**
 * Puts a blocked version back to where it was. Administrators only.
 * @throws forbidden, version_not_found, invalid_transition
 */
export async function unblock(ctx: Context, actor: Actor, input: VersionInput): Promise<void> {
  await moveByAdmin(ctx, actor, input, { action: "release.unblock", transition: "unblock", reason: null });
}

interface MemberStep {
  action: "release.yank" | "release.unyank" | "release.delete" | "release.restore";
  details?: { reason?: string };
  transition: Transition;
  permission: Permission;
  /** Failures other than the general ones, where the contract names them. */
  forbidden?: ErrorCode;
  notFound?: ErrorCode;
  impossible?: ErrorCode;
  /** What else must hold, inside the transaction. */
  require?(tx: Tx, version: VersionRow): Promise<void>;
  /** What changes along with the status. */
  values(): Partial<VersionRow>;
}

async function moveByMember(ctx: Context, actor: Actor, input: VersionInput, step: MemberStep): Promise<void> {
  const { permission, forbidden = "forbidden", notFound = "package_not_found" } = step;
  const requirement = { permission, forbidden, notFound };
  const target = await changeablePackage(ctx, actor, input.package, requirement);
  const version = await requireVersion(ctx.database, target.id, input.version);
  const { action, details = {} } = step;
  const request = { action, caller: actor, package: target, version: input.version, details } as const;
  await applyChange(ctx, request, async (tx) => {
    await requireRole(tx, actor, target.id, requirement);
    const moved = await move(tx, version, step);
    if (!moved) {
      throw new RegistryError(step.impossible ?? "invalid_transition", { details: { status: version.status } });
    }
    await refreshPackage(tx, target.id, { nowMs: ctx.clock.now() });
  });
}

interface AdminStep {
  action: "release.block" | "release.unblock";
  transition: Transition;
  reason: string | null;
}

async function moveByAdmin(ctx: Context, actor: Actor, input: VersionInput, step: AdminStep): Promise<void> {
  if (!actor.isAdmin) throw new RegistryError("forbidden");
  const target = await readablePackage(ctx, actor, input.package, "version_not_found");
  const version = await requireVersion(ctx.database, target.id, input.version);
  const details = step.reason === null ? {} : { reason: step.reason };
  const request = { action: step.action, caller: actor, package: target, version: input.version, details } as const;
  await applyChange(ctx, request, async (tx) => {
    await requireAdmin(tx, actor);
    const moved = await move(tx, version, { transition: step.transition, values: () => ({}) });
    if (!moved) throw new RegistryError("invalid_transition", { details: { status: version.status } });
    await refreshPackage(tx, target.id, { nowMs: ctx.clock.now() });
  });
}

/** Moves a version along; false when that is not possible from where it is, or somebody else was faster. */
async function move(
  tx: Tx,
  version: VersionRow,
  step: Pick<MemberStep, "transition" | "require" | "values">,
): Promise<boolean> {
  const { id, status: from, previous_status: previous } = version;
  const to = nextStatus(from, step.transition, previous);
  if (to === null) return false;
  await step.require?.(tx, version);
  const previous_status = nextPrevious(from, step.transition, previous);
  return moveVersion(tx, { id, from, to }, { ...step.values(), previous_status });
}
