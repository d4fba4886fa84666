import { RegistryError } from "../errors.ts";

/** What a user can be to a package. */
export type Role = "owner" | "maintainer" | "publisher" | "reader";

/** What a role may be needed for. */
export type Permission =
  | "read"
  | "publish"
  | "edit"
  | "yank"
  | "deprecate"
  | "delete"
  | "restore"
  | "rollout"
  | "manage_maintainers"
  | "set_visibility"
  | "transfer"
  | "read_audit";

const reader: readonly Permission[] = ["read"];
const publisher: readonly Permission[] = [...reader, "publish"];
const maintainer: readonly Permission[] = [...publisher, "edit", "yank", "deprecate", "delete", "restore", "rollout"];
const owner: readonly Permission[] = [...maintainer, "manage_maintainers", "set_visibility", "transfer", "read_audit"];

/** The whole of who may do what to a package. */
const grants: Readonly<Record<Role, readonly Permission[]>> = { owner, maintainer, publisher, reader };

/** True when somebody with this role (null: none) may do this. */
export function may(role: Role | null, permission: Permission): boolean {
  return role !== null && grants[role].includes(permission);
}

/** The roles that may do this. */
export function rolesThat(permission: Permission): Role[] {
  return (Object.keys(grants) as Role[]).filter((role) => may(role, permission));
}

/**
 * Accepts the name of a role; left out, it is `maintainer`.
 * @throws invalid_role
 */
export function parseRole(text: unknown): Role {
  if (text === undefined || text === null) return "maintainer";
  const role = typeof text === "string" ? knownRole(text) : null;
  if (role === null) throw new RegistryError("invalid_role", { details: { role: Object.keys(grants) } });
  return role;
}

/** The role that a stored text names, or null: rows of a taken-over database may hold anything. */
export function knownRole(text: string): Role | null {
  return Object.hasOwn(grants, text) ? (text as Role) : null;
}
