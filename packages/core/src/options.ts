import { hkdfSync, randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { type ArchiveLimits, defaultArchiveLimits } from "./archive/limits.ts";
import { packageCache } from "./cache.ts";
import type { Context, Limits, Policy } from "./context.ts";
import { downloadCounter } from "./download-counter.ts";
import { argon2Passwords } from "./passwords.ts";
import type { BlobStorage } from "./ports/blob-storage.ts";
import { type Clock, systemClock } from "./ports/clock.ts";
import type { Database } from "./ports/database.ts";
import type { Hooks } from "./ports/hooks.ts";
import { type Logger, silentLogger } from "./ports/logger.ts";
import type { PasswordHasher } from "./ports/password-hasher.ts";
import { recentCounts } from "./recent-counts.ts";
import { semaphore } from "./semaphore.ts";

/** What a registry is made of. Only `database` and `storage` have no default. */
export interface RegistryOptions {
  /** Accounts, packages, versions and everything else but the archives: `sqlite({ path })`. */
  database: Database;
  /** The archives: `fsStorage({ root })`. */
  storage: BlobStorage;
  /**
   * Secret of at least 32 bytes from which keys are derived that sign addresses of private archives. Share it between
   * instances and keep it over restarts; left out, a random one is used and such addresses end with the process.
   */
  serverSecret?: string;
  /** Secret that was used before; what it signed is still accepted. */
  previousServerSecret?: string;
  /** `open` (default): anybody may register. `closed`: nobody; accounts come from the host (`sessions.actAs`). */
  registration?: "open" | "closed";
  /** `public` (default): anybody reads public packages. `members`: only signed-in users read anything. */
  readAccess?: "public" | "members";
  /** Whether clients without an id take part in partial rollouts, by their network address; default true. */
  anonymousRollouts?: boolean;
  limits?: LimitOptions;
  /** How passwords are hashed; default argon2id with OWASP's parameters. */
  passwords?: PasswordHasher;
  /** Default: the machine's clock. */
  clock?: Clock;
  /** Where to tell the operator something; default nowhere. pino and Fastify's logger fit. */
  logger?: Logger;
  hooks?: Hooks;
}

/** Sizes in bytes, times in milliseconds. */
export interface LimitOptions {
  /** Largest archive as sent; default 100 MiB. */
  uploadBytes?: number;
  /** What an archive may hold. */
  archive?: Partial<ArchiveLimits>;
  /** Life of an upload address; default 24 hours. */
  uploadTtlMs?: number;
  /** Life of a sign-in; default 30 days. */
  tokenTtlMs?: number;
  /** How long a deletion can be taken back; default 7 days. */
  restoreWindowMs?: number;
  /** Life of a signed address of a private archive; default 15 minutes. */
  signedPathTtlMs?: number;
  /** Memory for what was read of packages; default 32 MiB, 0 for none. */
  cacheBytes?: number;
}

const minute = 60_000;
const day = 24 * 60 * minute;
const mebibyte = 1024 * 1024;

/** What operations work with, made from the host's options; the options object itself is left as it is. */
export function toContext(options: RegistryOptions): Context {
  const { database, storage, clock = systemClock, logger = silentLogger, passwords = argon2Passwords() } = options;
  const { cacheBytes = 32 * mebibyte, archive, ...given } = options.limits ?? {};
  const limits: Limits = {
    uploadBytes: 100 * mebibyte,
    uploadTtlMs: day,
    tokenTtlMs: 30 * day,
    restoreWindowMs: 7 * day,
    signedPathTtlMs: 15 * minute,
    ...given,
    archive: { ...defaultArchiveLimits, ...archive },
  };
  requirePositive({ ...limits, ...limits.archive, cacheBytes: cacheBytes + 1 });
  const policy: Policy = {
    registration: options.registration ?? "open",
    readAccess: options.readAccess ?? "public",
    anonymousRollouts: options.anonymousRollouts ?? true,
  };
  return {
    ...{ database, storage, clock, passwords, logger, limits, policy },
    hooks: options.hooks ?? {},
    decoyHash: once(() => passwords.hash(randomBytes(24).toString("base64"))),
    signingKeys: deriveKeys(options),
    cache: packageCache(database, clock, cacheBytes),
    downloads: downloadCounter(database, clock, logger),
    labelCounts: recentCounts(clock),
    inspections: semaphore({ running: 2 * availableParallelism(), queued: 64 }),
  };
}

function requirePositive(limits: object): void {
  for (const [name, value] of Object.entries(limits)) {
    if (typeof value === "number" && !(value > 0)) throw new RangeError(`limits: ${name} must be above 0`);
  }
}

function deriveKeys({ serverSecret, previousServerSecret }: RegistryOptions): Buffer[] {
  const secrets = [serverSecret, previousServerSecret].filter((secret) => secret !== undefined);
  for (const secret of secrets) {
    if (Buffer.byteLength(secret) < 32) throw new RangeError("A server secret needs at least 32 bytes");
  }
  const [first, ...others] = secrets;
  return [first ?? randomBytes(32), ...others].map((secret) =>
    Buffer.from(hkdfSync("sha256", secret, "", "serverless-registry archive addresses", 32)),
  );
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
