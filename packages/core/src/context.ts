import type { ArchiveLimits } from "./archive/limits.ts";
import type { PackageCache } from "./cache.ts";
import type { CredentialUses } from "./credential-uses.ts";
import type { Scopes } from "./domain/scopes.ts";
import type { DownloadCounter } from "./download-counter.ts";
import type { BlobStorage } from "./ports/blob-storage.ts";
import type { Clock } from "./ports/clock.ts";
import type { Database } from "./ports/database.ts";
import type { EventPlan } from "./ports/events.ts";
import type { Hooks } from "./ports/hooks.ts";
import type { Logger } from "./ports/logger.ts";
import type { NonceStore } from "./ports/nonce-store.ts";
import type { PasswordHasher } from "./ports/password-hasher.ts";
import type { Semaphore } from "./semaphore.ts";
import type { Observer } from "./telemetry.ts";

/** What an operation may touch: the ports, the limits, and the little that is kept in memory. */
export interface Context {
  readonly database: Database;
  readonly storage: BlobStorage;
  readonly clock: Clock;
  readonly passwords: PasswordHasher;
  /** Hash of a password nobody has: checking a sign-in takes the same time whether the user exists or not. */
  readonly decoyHash: () => Promise<string>;
  readonly logger: Logger;
  /** The host's telemetry; null when it has none. */
  readonly telemetry: Observer | null;
  readonly hooks: Hooks;
  /** Who is told of changes after they are made. */
  readonly events: EventPlan;
  readonly limits: Limits;
  readonly policy: Policy;
  readonly keys: DerivedKeys;
  /** One-time values of signed requests. */
  readonly nonces: NonceStore;
  /** Who signed a request whose body has not been verified yet. They change nothing. */
  readonly unverified: WeakSet<Actor>;
  readonly cache: PackageCache;
  readonly downloads: DownloadCounter;
  /** Called whenever tokens were made; removes those whose time is over now and then, and fails never. */
  readonly cleanTokens: () => Promise<void>;
  /** When tokens and API keys were used last. */
  readonly uses: CredentialUses;
  /** Bounds how many archives are inspected at the same time. */
  readonly inspections: Semaphore;
}

/** Keys derived from the server secret, one list per purpose: the first is used for new things, all for what is there. */
export interface DerivedKeys {
  /** Sign addresses of private archives. */
  readonly addresses: readonly Buffer[];
  /** Seal API keys. Empty without a server secret of the host's: what is sealed has to outlive the process. */
  readonly apiKeys: readonly Buffer[];
  /** Seal the audit log; empty as above. */
  readonly audit: readonly Buffer[];
}

/** Sizes and life times an operation enforces. */
export interface Limits {
  /** Largest archive, in bytes as sent. */
  uploadBytes: number;
  archive: ArchiveLimits;
  /** Life of an upload address. */
  uploadTtlMs: number;
  /** Life of a sign-in token. */
  tokenTtlMs: number;
  /** For how long a sign-in can be prolonged by refreshing its token. */
  signInTtlMs: number;
  /** Longest life of a named token. */
  namedTokenTtlMs: number;
  /** How long an owner may take a deletion back. */
  restoreWindowMs: number;
  /** Life of a signed address of a private archive. */
  signedPathTtlMs: number;
  /** Packages one user makes in an hour. As with all three quotas, administrators have none. */
  newPackagesPerHour: number;
  /** Uploads of one user that wait for their archive. */
  openUploads: number;
  /** Bytes one user publishes in 24 hours. */
  publishedBytesPerDay: number;
}

/** An account that somebody asks for. */
export interface NewAccount extends Origin {
  username: string;
  email: string;
}

/**
 * Who may register: anybody, nobody (but administrators, for others), or whom the host lets in. It is asked for every account, and
 * true lets it in; whether the address exists is its business too.
 */
export type Registration = "open" | "closed" | ((account: NewAccount) => boolean | Promise<boolean>);

/** What the host decided about who may do what. */
export interface Policy {
  registration: Registration;
  /** `public`: anybody reads public packages. `members`: reading anything needs a signed-in caller. */
  readAccess: "public" | "members";
  /** Whether clients without an id and without a sign-in take part in partial rollouts (by their address). */
  anonymousRollouts: boolean;
  /** Whether whole archives are left to an address that the storage signs. */
  redirectDownloads: boolean;
}

/** Facts about where a call comes from; all optional, none trusted for authorization. */
export interface Origin {
  /** Network address, as the host determined it. */
  address?: string | undefined;
  /** The client's own stable id, which keeps it on one side of a partial rollout. */
  clientId?: string | undefined;
  requestId?: string | undefined;
}

/** Somebody whose credentials were checked. Only `sessions.authenticate`, `sessions.actAs` and `signatures.begin` make one. */
export interface Actor extends Origin {
  readonly kind: "user";
  readonly userId: number;
  readonly username: string;
  readonly isAdmin: boolean;
  /** Row of the token that was presented; null for a host's own users and for signed requests. */
  readonly tokenId: number | null;
  /** Id of the API key that signed the request; null for everybody else. */
  readonly apiKeyId: string | null;
  /** What the credential is good for; null for everything its user may do. */
  readonly scopes: Scopes | null;
  /** Makes the type impossible to write by hand. */
  readonly [checked]: true;
}

/** Somebody unknown. */
export interface Visitor extends Origin {
  readonly kind: "visitor";
}

/** Whoever calls an operation. */
export type Caller = Actor | Visitor;

/** The unknown caller without any facts, for calls in process. */
export const anonymous: Visitor = Object.freeze({ kind: "visitor" });

declare const checked: unique symbol;

/** Vouches for a caller. For the operations that check credentials only. */
export function actor(fields: Omit<Actor, "kind" | typeof checked>): Actor {
  // An administrator's powers are in no credential with limits.
  const isAdmin = fields.isAdmin && fields.scopes === null;
  return Object.freeze({ kind: "user", ...fields, isAdmin }) as Actor;
}
