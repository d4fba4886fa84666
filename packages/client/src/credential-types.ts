/** What a credential may be limited to. */
export type ScopeAction = "read" | "publish" | "change" | "delete" | "manage" | "account";

/** What a credential is good for; never more than its user may do. */
export interface Scopes {
  readonly actions: readonly ScopeAction[];
  /** Names of packages; a `*` at the end stands for any rest. */
  readonly packages: readonly string[];
  /** The one archive that a publish grant is good for. */
  readonly grant?: { readonly package: string; readonly version: string; readonly sha256: string };
}

/** The scopes to give a credential; without `packages`, all of them. */
export type ScopesInput = Pick<Scopes, "actions"> & Partial<Pick<Scopes, "packages">>;

/** A token, as its user sees it later. */
export interface TokenInfo {
  id: number;
  /** `session`: a sign-in. `named`: made for a program. `grant`: publishes one archive once. */
  kind: string;
  /** What its user calls it; null for sign-ins and grants. */
  name: string | null;
  /** Null for everything its user may do. */
  scopes: Scopes | null;
  createdAt: string;
  /** Up to a minute late; null for never. */
  lastUsedAt: string | null;
  expiresAt: string;
  /** Whether it is the one that asks. */
  isCurrent: boolean;
}

/** A new token. */
export interface NewToken extends TokenInfo {
  /** The secret. Nobody can read it again. */
  token: string;
}

/** A token to make for a program. */
export interface CreateTokenInput {
  name: string;
  /** Left out, everything its user may do. */
  scopes?: ScopesInput;
  /** Its life in milliseconds, in whole seconds; default 90 days. */
  ttlMs?: number;
}

/** The one archive that a token is to be good for. */
export interface GrantPublishInput {
  package: string;
  version: string;
  /** SHA-256 of the archive in lower-case hexadecimal. */
  sha256: string;
  /** Its life in milliseconds, in whole seconds; default 15 minutes, at most an hour. */
  ttlMs?: number;
}

/** An API key, as its user sees it later. */
export interface ApiKeyInfo {
  /** The public part of the key: what stands before its dot. */
  id: string;
  name: string;
  /** Null for everything its user may do. */
  scopes: Scopes | null;
  /** Networks it may be used from; null for any. */
  networks: readonly string[] | null;
  createdAt: string;
  /** Up to a minute late; null for never. */
  lastUsedAt: string | null;
  /** Null for a key that does not end by itself. */
  expiresAt: string | null;
}

/** A new API key. */
export interface NewApiKey extends ApiKeyInfo {
  /** The whole key, a secret. Nobody can read it again. */
  key: string;
}

/** An API key to make. */
export interface CreateApiKeyInput {
  name: string;
  /** Left out, everything its user may do. */
  scopes?: ScopesInput;
  /** Networks like `192.0.2.0/24` that requests must come from; left out, any. */
  networks?: readonly string[];
  /** Its life in milliseconds, in whole seconds; left out, it does not end by itself. */
  ttlMs?: number;
}
