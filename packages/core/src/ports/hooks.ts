/** What a change does, in the words of the audit log. */
export type ChangeAction =
  | "user.register"
  | "user.change_password"
  | "user.set_admin"
  | "session.login"
  | "session.refresh"
  | "session.logout"
  | "token.create"
  | "token.revoke"
  | "key.create"
  | "key.revoke"
  | "release.open"
  | "release.publish"
  | "release.yank"
  | "release.unyank"
  | "release.delete"
  | "release.restore"
  | "release.block"
  | "release.unblock"
  | "release.rollout"
  | "upload.cancel"
  | "package.update"
  | "package.deprecate"
  | "package.undeprecate"
  | "package.transfer"
  | "maintainer.add"
  | "maintainer.remove"
  | "rating.set"
  | "rating.remove";

/** One change of the registry, as hooks see it and the audit log keeps it. Holds no secret. */
export interface Change {
  action: ChangeAction;
  /** User name of who does it; null for a visitor who registers. */
  actor: string | null;
  /** Network address it comes from, where the host knows one. */
  address: string | null;
  requestId: string | null;
  package: string | null;
  version: string | null;
  /** What else there is to say: role, ratio, digest, archive facts and the like. */
  details: Readonly<Record<string, unknown>>;
}

/** What the host wants to know or to forbid. */
export interface Hooks {
  /**
   * Called before a change is written, outside any transaction. Throwing refuses the change. A `RegistryError` reaches the
   * caller as it is: `throw new RegistryError("refused", { details: { reason } })`. Any other error is logged and reaches
   * the caller as `refused` (403) without a reason.
   */
  before?(change: Change): void | Promise<void>;
  /** Told after the change is committed; the answer does not wait for it. What it throws is logged and changes nothing. */
  after?(change: Change): void | Promise<void>;
  /**
   * Asked of every new password: true refuses it. For a list of leaked passwords, which the host keeps or asks; the registry
   * itself sends a password nowhere. What it throws is not logged (it may quote the password), and answers 503.
   */
  isBreached?(password: string): boolean | Promise<boolean>;
}
