import { hkdfSync, randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { type ArchiveLimits, defaultArchiveLimits } from "./archive/limits.ts";
import { packageCache } from "./cache.ts";
import { claimsByClock } from "./claims.ts";
import type { Context, DerivedKeys, Limits, Policy, Registration } from "./context.ts";
import { credentialUses } from "./credential-uses.ts";
import { everyNth, removeExpiredTokens } from "./database-stores/expired.ts";
import { databaseNonces } from "./database-stores/nonces.ts";
import { downloadCounter } from "./download-counter.ts";
import { eventPlan } from "./events/targets.ts";
import { observedContext, observedDatabase } from "./observed.ts";
import { argon2Passwords } from "./passwords.ts";
import type { BlobStorage } from "./ports/blob-storage.ts";
import { type Clock, systemClock } from "./ports/clock.ts";
import type { Database } from "./ports/database.ts";
import type { EventOptions } from "./ports/events.ts";
import type { Hooks } from "./ports/hooks.ts";
import { type Logger, silentLogger } from "./ports/logger.ts";
import type { NonceStore } from "./ports/nonce-store.ts";
import type { PasswordHasher } from "./ports/password-hasher.ts";
import type { Telemetry } from "./ports/telemetry.ts";
import { semaphore } from "./semaphore.ts";
import { observer } from "./telemetry.ts";

/** What a registry is made of. Only `database` and `storage` have no default. */
export interface RegistryOptions {
  /** Accounts, packages, versions and everything else but the archives: `sqlite({ path })`. */
  database: Database;
  /** The archives: `fsStorage({ root })`. */
  storage: BlobStorage;
  /**
   * Secret of at least 32 bytes from which keys are derived that sign addresses of private archives, seal API keys and the
   * audit log. Share it between instances and keep it over restarts. Left out, such addresses end with the process, and there
   * are no API keys and no seals. With MySQL, which several instances may share, it is needed.
   */
  serverSecret?: string;
  /** Secret that was used before; what it signed and sealed is still accepted. */
  previousServerSecret?: string;
  /**
   * Where signed requests leave their one-time values. Default: in the database, which is right for any number of processes
   * and over restarts; `redisNonces` is faster, `memoryNonces` does for one process.
   */
  nonces?: NonceStore;
  /**
   * `open` (default): anybody may register. `closed`: nobody; accounts come from the host (`sessions.actAs`) or from administrators.
   * A function: whom it lets in, by their address or an invitation, say.
   */
  registration?: Registration;
  /** `public` (default): anybody reads public packages. `members`: only signed-in users read anything. */
  readAccess?: "public" | "members";
  /** Whether clients without an id take part in partial rollouts, by their network address; default true. */
  anonymousRollouts?: boolean;
  /**
   * `stream` (default): archives pass through the registry, which needs nothing of clients. `redirect`: clients are sent on to an
   * address that the storage signs for a while, and must be able to reach it. `auto`: that where the storage can, else `stream`.
   */
  download?: "stream" | "redirect" | "auto";
  limits?: LimitOptions;
  /** How passwords are hashed; default argon2id with OWASP's parameters. */
  passwords?: PasswordHasher;
  /** Default: the machine's clock. */
  clock?: Clock;
  /** Where to tell the operator something; default nowhere. pino and Fastify's logger fit. */
  logger?: Logger;
  hooks?: Hooks;
  /**
   * Who is told of changes for certain, once `events.deliver` is called: listeners of the host's own, and webhooks. Default nobody,
   * and then nothing is kept for anybody.
   */
  events?: EventOptions;
  /** The host's tracing and metrics, one or several; default none, which costs nothing. */
  telemetry?: Telemetry | readonly Telemetry[];
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
  /** For how long a sign-in can be prolonged by refreshing its token; default 90 days. */
  signInTtlMs?: number;
  /** Longest life of a named token; default 366 days. */
  namedTokenTtlMs?: number;
  /** How long a deletion can be taken back; default 7 days. */
  restoreWindowMs?: number;
  /** Life of a signed address: of a private archive, and of where a download is redirected to; default 15 minutes. */
  signedPathTtlMs?: number;
  /**
   * Memory for what was read of packages; an eighth as much is used besides for what was found by searches and counted of labels. Default
   * 32 MiB. With 0 nothing is kept: labels are counted for each request then.
   */
  cacheBytes?: number;
  /** Packages one user makes in an hour; default 200. As with all three quotas, administrators have none. */
  newPackagesPerHour?: number;
  /** Uploads of one user that wait for their archive; default 200. */
  openUploads?: number;
  /** Bytes one user publishes in 24 hours; default without a bound. */
  publishedBytesPerDay?: number;
  /** How long `health` waits for the database and the storage; default 2 seconds. */
  healthTimeoutMs?: number;
}

const minute = 60_000;
const day = 24 * 60 * minute;
const mebibyte = 1024 * 1024;
/** Each cleaning removes up to 500 rows, and so many tokens add fewer. */
const tokensPerCleaning = 100;

/** What operations work with, made from the host's options; the options object itself is left as it is. */
export function toContext(options: RegistryOptions): Context {
  const { storage, clock = systemClock, logger = silentLogger, passwords = argon2Passwords() } = options;
  const telemetry = observer(options.telemetry, logger);
  const database = telemetry === null ? options.database : observedDatabase(options.database, telemetry);
  const { cacheBytes = 32 * mebibyte, archive, healthTimeoutMs, ...given } = options.limits ?? {};
  const limits: Limits = {
    uploadBytes: 100 * mebibyte,
    uploadTtlMs: day,
    tokenTtlMs: 30 * day,
    signInTtlMs: 90 * day,
    namedTokenTtlMs: 366 * day,
    restoreWindowMs: 7 * day,
    signedPathTtlMs: 15 * minute,
    ...{ newPackagesPerHour: 200, openUploads: 200, publishedBytesPerDay: Number.POSITIVE_INFINITY },
    ...given,
    archive: { ...defaultArchiveLimits, ...archive },
  };
  requirePositive({ ...limits, ...limits.archive, cacheBytes: cacheBytes + 1 });
  const policy: Policy = {
    registration: options.registration ?? "open",
    readAccess: options.readAccess ?? "public",
    anonymousRollouts: options.anonymousRollouts ?? true,
    redirectDownloads: redirects(options),
  };
  const ctx: Context = {
    ...{ database, storage, clock, passwords, logger, limits, policy, telemetry },
    hooks: options.hooks ?? {},
    events: eventPlan(options.events ?? {}, clock),
    decoyHash: once(() => passwords.hash(randomBytes(24).toString("base64"))),
    keys: deriveKeys(options),
    nonces: claimsByClock(options.nonces ?? databaseNonces(database, clock), clock),
    unverified: new WeakSet(),
    cache: packageCache(database, clock, cacheBytes),
    downloads: downloadCounter(database, clock, logger),
    cleanTokens: everyNth(tokensPerCleaning, () => removeExpiredTokens(database, clock.now())),
    uses: credentialUses(database, clock, logger),
    inspections: semaphore({ running: 2 * availableParallelism(), queued: 64 }),
  };
  return telemetry === null ? ctx : observedContext(ctx, telemetry);
}

function redirects({ download = "stream", storage }: RegistryOptions): boolean {
  const canRedirect = storage.signedUrl !== undefined;
  if (download === "redirect" && !canRedirect) {
    throw new TypeError('download: "redirect" needs a storage that signs addresses; "auto" redirects where it can');
  }
  return download !== "stream" && canRedirect;
}

function requirePositive(limits: object): void {
  for (const [name, value] of Object.entries(limits)) {
    if (typeof value === "number" && !(value > 0)) throw new RangeError(`limits: ${name} must be above 0`);
  }
}

function deriveKeys({ database, serverSecret, previousServerSecret }: RegistryOptions): DerivedKeys {
  if (database.engine === "mysql" && serverSecret === undefined) {
    throw new TypeError("A registry on MySQL needs a serverSecret of at least 32 bytes, the same for all instances");
  }
  const secrets = [serverSecret, previousServerSecret].filter((secret) => secret !== undefined);
  for (const secret of secrets) {
    if (Buffer.byteLength(secret) < 32) throw new RangeError("A server secret needs at least 32 bytes");
  }
  const derive = (from: string | Buffer, purpose: string) =>
    Buffer.from(hkdfSync("sha256", from, "", `serverless-registry ${purpose}`, 32));
  const [first, ...others] = secrets;
  return {
    addresses: [first ?? randomBytes(32), ...others].map((secret) => derive(secret, "archive addresses")),
    apiKeys: secrets.map((secret) => derive(secret, "API keys")),
    audit: secrets.map((secret) => derive(secret, "audit seals")),
  };
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
