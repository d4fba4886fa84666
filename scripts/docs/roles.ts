import type { Route } from "@serverless-registry/core/http";
import { may, type Permission } from "../../packages/core/src/domain/permissions.ts";

/** The roles a user can have in a package, weakest first. */
export const roles = ["reader", "publisher", "maintainer", "owner"] as const;

/** Which permission in the package an operation asks for. `scripts/test/docs.test.ts` tries each with every role. */
export const permissionOf: Readonly<Record<string, Permission>> = {
  createRelease: "publish",
  publishRelease: "publish",
  deleteRelease: "delete",
  restoreRelease: "restore",
  yankRelease: "yank",
  unyankRelease: "yank",
  setRollout: "rollout",
  updatePackage: "edit",
  deprecatePackage: "deprecate",
  undeprecatePackage: "deprecate",
  addMaintainer: "manage_maintainers",
  removeMaintainer: "manage_maintainers",
  transferPackage: "transfer",
  getPackageAudit: "read_audit",
};

const special: Readonly<Record<string, string>> = {
  createRelease: "a signed-in user for a new name; else ",
  publishRelease: "a signed-in user for a new name; else ",
  uploadForm: "the user who opened the version, while they may publish the package",
  uploadRaw: "the user who opened the version, while they may publish the package",
  getUpload: "the user who opened the version",
  cancelUpload: "the user who opened the version",
  setMyRating: "a signed-in user who may not publish the package",
  getAudit: "administrators",
  listTokens: "a signed-in user, of their own",
  createToken: "a signed-in user, for themselves; a grant: who may publish the package, or anybody for a new name",
  revokeToken: "a signed-in user, of their own",
  listApiKeys: "a signed-in user, of their own",
  createApiKey: "a signed-in user, for themselves",
  revokeApiKey: "a signed-in user, of their own",
};

/** Who may call a route, in words. */
export function whoMayCall(route: Route): string {
  const permission = permissionOf[route.operationId];
  const text = special[route.operationId] ?? "";
  if (permission !== undefined) return text + membersWith(permission) + extra(route);
  if (text !== "") return text;
  if (route.auth === "none") return "anybody; a token is not looked at";
  return route.auth === "user" ? "a signed-in user" : "anybody; a token lets members see what is private";
}

/** The roles that have a permission, in words. */
function membersWith(permission: Permission): string {
  const allowed = roles.filter((role) => may(role, permission)).map((role) => `${role}s`);
  return `the package's ${allowed.length === 1 ? allowed[0] : `${allowed.slice(0, -1).join(", ")} and ${allowed.at(-1)}`}`;
}

function extra({ operationId }: Route): string {
  if (operationId === "updatePackage") return "; `visibility` is for owners";
  return operationId === "getPackageAudit" ? ", and administrators" : "";
}
