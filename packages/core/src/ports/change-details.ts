import type { ChangeAction } from "./hooks.ts";

type Nothing = Record<never, never>;

/** What a credential is limited to; left out for everything its user may do. */
type CredentialLimits = {
  actions?: readonly string[] | undefined;
  packages?: readonly string[] | undefined;
};

/** What is noted of each change beside who makes it, when, and what it is about. Optional is what only the transaction knows. */
export interface ChangeDetails {
  "user.register": { username: string; by?: string };
  "user.change_password": Nothing;
  "user.set_admin": { username: string; isAdmin: boolean };
  "session.login": Nothing;
  "session.refresh": Nothing;
  "session.logout": Nothing;
  "token.create": CredentialLimits & { kind: string; name?: string; sha256?: string; tokenId?: number };
  "token.revoke": {
    tokenId?: number;
    kind?: string;
    name?: string;
    username?: string;
    reason?: string;
    tokens?: number;
  };
  "key.create": CredentialLimits & { keyId: string; name?: string; networks?: readonly string[]; replaces?: string };
  "key.revoke": { keyId: string; name: string };
  "release.open": { created?: boolean };
  "release.publish": { sha256: string; size: number; entries: number; created?: boolean; isLatest?: boolean };
  "release.yank": { reason?: string };
  "release.unyank": Nothing;
  "release.delete": Nothing;
  "release.restore": Nothing;
  "release.block": { reason?: string };
  "release.unblock": Nothing;
  "release.rollout": { ratio: number };
  "upload.cancel": Nothing;
  "package.update": { description?: string; home?: string; visibility?: "public" | "private" };
  "package.deprecate": { reason: string };
  "package.undeprecate": Nothing;
  "package.transfer": { username: string; role: string };
  "maintainer.add": { username: string; role: string };
  "maintainer.remove": { username: string; role?: string };
  "rating.set": { rating: number };
  "rating.remove": Nothing;
}

/** Each change has its details: one that is missing above does not compile here. */
export type DetailsOf<Action extends ChangeAction> = ChangeDetails[Action];
