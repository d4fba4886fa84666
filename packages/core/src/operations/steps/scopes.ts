import type { Caller } from "../../context.ts";
import { allows, type ScopeAction, type ScopedStep } from "../../domain/scopes.ts";
import { RegistryError } from "../../errors.ts";
import type { ChangeAction } from "../../ports/hooks.ts";

/** A kind of thing; or what any credential is good for, or none that has limits. */
type Needed = ScopeAction | "nothing" | "everything";

/** What a credential must be good for to make each change. */
const neededFor: Readonly<Record<ChangeAction, Needed>> = {
  "user.register": "nothing",
  "user.change_password": "account",
  "user.set_admin": "everything",
  "session.login": "nothing",
  "session.refresh": "nothing",
  "session.logout": "nothing",
  "token.create": "account",
  "token.revoke": "account",
  "key.create": "account",
  "key.revoke": "account",
  "release.open": "publish",
  "release.publish": "publish",
  "upload.cancel": "publish",
  "release.yank": "change",
  "release.unyank": "change",
  "release.restore": "change",
  "release.rollout": "change",
  "release.delete": "delete",
  "release.block": "everything",
  "release.unblock": "everything",
  "package.update": "change",
  "package.deprecate": "change",
  "package.undeprecate": "change",
  "package.transfer": "manage",
  "maintainer.add": "manage",
  "maintainer.remove": "manage",
  "rating.set": "change",
  "rating.remove": "change",
};

/** A change, as far as it matters for whether a credential is good for it. */
export interface ScopedChange {
  action: ChangeAction;
  caller: Caller;
  package?: { name: string };
  version?: string;
  details?: object;
}

/**
 * Refuses a change that the caller's credential is not good for, whatever its user may do.
 * @throws insufficient_scope
 */
export function requireChangeScope({ action, caller, package: target, version, details }: ScopedChange): void {
  if (caller.kind !== "user" || caller.scopes === null) return;
  // Who sees a package is for its owners; the rest of what it says of itself is not.
  const given: Readonly<Record<string, unknown>> = { ...details };
  const isVisibility = action === "package.update" && given.visibility !== undefined;
  const isGrant = action === "token.create" && given.kind === "grant";
  const needed = isVisibility ? "manage" : isGrant ? "publish" : neededFor[action];
  if (needed === "nothing") return;
  if (needed === "everything") throw new RegistryError("insufficient_scope", { details: { action } });
  requireScope(caller, { action: needed, package: target?.name, version });
  if (action === "release.publish") requireGrantedBytes(caller, given.sha256);
}

/**
 * Refuses what the caller's credential is not good for. Visitors have no credential; what they may do is another question.
 * @throws insufficient_scope naming what is needed
 */
export function requireScope(caller: Caller, step: ScopedStep): void {
  if (caller.kind !== "user" || allows(caller.scopes, step)) return;
  const { action, package: name, version } = step;
  throw new RegistryError("insufficient_scope", {
    details: {
      action,
      ...(name === undefined ? {} : { package: name }),
      ...(version === undefined ? {} : { version }),
    },
  });
}

/**
 * Refuses other bytes than those that the caller's publish grant, if it is one, is good for.
 * @throws insufficient_scope
 */
export function requireGrantedBytes(caller: Caller, sha256: unknown): void {
  const grant = caller.kind === "user" ? caller.scopes?.grant : undefined;
  if (grant === undefined || grant.sha256 === sha256) return;
  throw new RegistryError("insufficient_scope", { details: { sha256: grant.sha256 } });
}
