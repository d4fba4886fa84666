import type { ArchiveLimits } from "./archive/limits.ts";
import type { PackageCache } from "./cache.ts";
import type { DownloadCounter } from "./download-counter.ts";
import type { BlobStorage } from "./ports/blob-storage.ts";
import type { Clock } from "./ports/clock.ts";
import type { Database } from "./ports/database.ts";
import type { Hooks } from "./ports/hooks.ts";
import type { Logger } from "./ports/logger.ts";
import type { PasswordHasher } from "./ports/password-hasher.ts";
import type { RecentCounts } from "./recent-counts.ts";
import type { Semaphore } from "./semaphore.ts";

/** What an operation may touch: the ports, the limits, and the little that is kept in memory. */
export interface Context {
  readonly database: Database;
  readonly storage: BlobStorage;
  readonly clock: Clock;
  readonly passwords: PasswordHasher;
  /** Hash of a password nobody has: checking a sign-in takes the same time whether the user exists or not. */
  readonly decoyHash: () => Promise<string>;
  readonly logger: Logger;
  readonly hooks: Hooks;
  readonly limits: Limits;
  readonly policy: Policy;
  /** Keys that sign addresses of private archives: the first signs, all verify. */
  readonly signingKeys: readonly Buffer[];
  readonly cache: PackageCache;
  readonly downloads: DownloadCounter;
  /** What was counted of labels in the last second; the count goes over the whole catalogue. */
  readonly labelCounts: RecentCounts;
  /** Bounds how many archives are inspected at the same time. */
  readonly inspections: Semaphore;
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
  /** How long an owner may take a deletion back. */
  restoreWindowMs: number;
  /** Life of a signed address of a private archive. */
  signedPathTtlMs: number;
}

/** What the host decided about who may do what. */
export interface Policy {
  registration: "open" | "closed";
  /** `public`: anybody reads public packages. `members`: reading anything needs a signed-in caller. */
  readAccess: "public" | "members";
  /** Whether clients without an id and without a sign-in take part in partial rollouts (by their address). */
  anonymousRollouts: boolean;
}

/** Facts about where a call comes from; all optional, none trusted for authorization. */
export interface Origin {
  /** Network address, as the host determined it. */
  address?: string | undefined;
  /** The client's own stable id, which keeps it on one side of a partial rollout. */
  clientId?: string | undefined;
  requestId?: string | undefined;
}

/** Somebody whose credentials were checked. Only `sessions.authenticate` and `sessions.actAs` make one. */
export interface Actor extends Origin {
  readonly kind: "user";
  readonly userId: number;
  readonly username: string;
  readonly isAdmin: boolean;
  /** Row of the token that was presented; null for a host's own users. */
  readonly tokenId: number | null;
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

/** Vouches for a caller. For the sessions operations only. */
export function actor(fields: Omit<Actor, "kind" | typeof checked>): Actor {
  return Object.freeze({ kind: "user", ...fields }) as Actor;
}
