import type { Actor, Caller, Context } from "../context.ts";
import { countOwners, deleteRole, findRole, listMaintainers, saveRole } from "../db/maintainers.ts";
import { findUser } from "../db/users.ts";
import { parseRole, type Role } from "../domain/permissions.ts";
import { RegistryError } from "../errors.ts";
import type { Tx } from "../ports/database.ts";
import type { PackageInput } from "./releases.ts";
import { changeablePackage, readablePackage, requireRole } from "./steps/access.ts";
import { applyChange } from "./steps/change.ts";

/** A member of a package. */
export interface Maintainer {
  username: string;
  role: string;
}

/** Who becomes what. */
export interface AddMaintainerInput extends PackageInput {
  username: string;
  /** Default `maintainer`. */
  role?: unknown;
}

/**
 * Gives a user a role in a package, in place of any they had. For owners.
 * @throws missing_maintainer, invalid_role, package_not_found, add_maintainer_forbidden, user_not_found, last_owner
 */
export async function add(ctx: Context, actor: Actor, input: AddMaintainerInput): Promise<Maintainer> {
  if (input.username === "") throw new RegistryError("missing_maintainer");
  const role = parseRole(input.role);
  const requirement = { permission: "manage_maintainers", forbidden: "add_maintainer_forbidden" } as const;
  const target = await changeablePackage(ctx, actor, input.package, requirement);
  const user = await findUser(ctx.database.reader, input.username);
  if (user === undefined) throw new RegistryError("user_not_found");
  const request = {
    action: "maintainer.add",
    caller: actor,
    package: target,
    details: { username: user.username, role },
  } as const;
  await applyChange(ctx, request, async (tx) => {
    await requireRole(tx, actor, target.id, requirement);
    const [before] = await findRole(tx, { packageId: target.id, userId: user.id });
    if (before?.role === "owner" && role !== "owner") await requireOtherOwner(tx, target.id);
    await saveRole(tx, target.id, user.id, role);
  });
  return { username: user.username, role };
}

/** Who leaves. */
export interface RemoveMaintainerInput extends PackageInput {
  username: string;
}

/**
 * Takes a member's role in a package away. For owners; owners themselves cannot be removed.
 * @throws package_not_found, remove_maintainer_forbidden, not_a_maintainer
 */
export async function remove(ctx: Context, actor: Actor, input: RemoveMaintainerInput): Promise<Maintainer> {
  const requirement = { permission: "manage_maintainers", forbidden: "remove_maintainer_forbidden" } as const;
  const target = await changeablePackage(ctx, actor, input.package, requirement);
  const user = await findUser(ctx.database.reader, input.username);
  if (user === undefined) throw new RegistryError("not_a_maintainer");
  const request = {
    action: "maintainer.remove",
    caller: actor,
    package: target,
    details: { username: user.username },
  } as const;
  return applyChange(ctx, request, async (tx, notes) => {
    await requireRole(tx, actor, target.id, requirement);
    const [before] = await findRole(tx, { packageId: target.id, userId: user.id });
    if (before === undefined || before.role === "owner") throw new RegistryError("not_a_maintainer");
    await deleteRole(tx, target.id, user.id);
    notes.details.role = before.role;
    return { username: user.username, role: before.role };
  });
}

/**
 * The members of a package, by user name.
 * @throws package_not_found
 */
export async function list(ctx: Context, caller: Caller, input: PackageInput): Promise<Maintainer[]> {
  const target = await readablePackage(ctx, caller, input.package);
  return listMaintainers(ctx.database.reader, target.id);
}

/** To whom a package goes. */
export interface TransferInput extends PackageInput {
  username: string;
}

/**
 * Makes another user an owner and the present one a maintainer, in one step. For owners.
 * @throws missing_maintainer, package_not_found, forbidden, user_not_found
 */
export async function transfer(ctx: Context, actor: Actor, input: TransferInput): Promise<Maintainer> {
  if (input.username === "") throw new RegistryError("missing_maintainer");
  const requirement = { permission: "transfer", forbidden: "forbidden" } as const;
  const target = await changeablePackage(ctx, actor, input.package, requirement);
  const user = await findUser(ctx.database.reader, input.username);
  if (user === undefined) throw new RegistryError("user_not_found");
  const role: Role = "owner";
  const details = { username: user.username, role };
  const request = { action: "package.transfer", caller: actor, package: target, details } as const;
  await applyChange(ctx, request, async (tx) => {
    await requireRole(tx, actor, target.id, requirement);
    if (user.id !== actor.userId) await saveRole(tx, target.id, actor.userId, "maintainer");
    await saveRole(tx, target.id, user.id, role);
  });
  return { username: user.username, role };
}

async function requireOtherOwner(tx: Tx, packageId: number): Promise<void> {
  if ((await countOwners(tx, packageId)) < 2) throw new RegistryError("last_owner");
}
