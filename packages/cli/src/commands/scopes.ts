import type { ScopeAction, Scopes, ScopesInput } from "@serverless-registry/client";
import { usageError } from "../failures.ts";

const actions = ["read", "publish", "change", "delete", "manage", "account"] as const satisfies readonly ScopeAction[];

/** What a new credential is good for. */
export const scopeOptions = {
  allow: {
    value: "action",
    about: "what it is good for; may be repeated; default: all that you may do",
    many: true,
    choices: actions,
  },
  package: {
    value: "name",
    about: "for which packages, * at the end for any rest; may be repeated; default: all",
    many: true,
  },
  expires: { value: "time", about: "how long it lives, like 12h, 90d or 8w" },
} as const;

/** What {@link scopeOptions} mean. */
export const scopeHelp =
  "Actions: read (private packages), publish, change (yank, deprecate, edit, roll out, restore), delete, manage (maintainers, visibility), account (password; lists tokens and keys).";

/**
 * The scopes that were asked for; none for all that the user may do.
 * @throws CliError `usage`
 */
export function scopesOf(allow: readonly string[], packages: readonly string[]): { scopes?: ScopesInput } {
  if (allow.length === 0 && packages.length > 0) throw usageError("--package says where, not what", "say --allow too");
  if (allow.length === 0) return {};
  const chosen = actions.filter((action) => allow.includes(action));
  return { scopes: { actions: chosen, ...(packages.length === 0 ? {} : { packages }) } };
}

/** Scopes in words. */
export function describeScopes(scopes: Scopes | null): string {
  if (scopes === null) return "everything";
  if (scopes.grant !== undefined) return `publish ${scopes.grant.package}@${scopes.grant.version} once`;
  return `${scopes.actions.join(", ")} in ${scopes.packages.join(", ")}`;
}
