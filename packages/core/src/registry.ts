import type { Context, Origin } from "./context.ts";
import { migrate } from "./db/migrations/index.ts";
import { updateAdmin } from "./db/users.ts";
import { RegistryError } from "./errors.ts";
import { backlogOf, freeBytesOf, type HealthReport, healthCheck, loadOf } from "./health.ts";
import * as apiKeys from "./operations/api-keys.ts";
import * as audit from "./operations/audit.ts";
import * as auditChain from "./operations/audit-chain.ts";
import * as catalog from "./operations/catalog.ts";
import * as downloads from "./operations/downloads.ts";
import * as events from "./operations/events.ts";
import { type FsckOptions, type FsckReport, fsck } from "./operations/fsck.ts";
import { type HealedArchive, heal } from "./operations/heal.ts";
import * as listing from "./operations/listing.ts";
import * as maintainers from "./operations/maintainers.ts";
import * as packages from "./operations/packages.ts";
import * as publishGrants from "./operations/publish-grants.ts";
import * as publishing from "./operations/publishing.ts";
import * as ratings from "./operations/ratings.ts";
import * as releases from "./operations/releases.ts";
import * as safetyCodes from "./operations/safety-codes.ts";
import * as search from "./operations/search.ts";
import * as serverlessDevs from "./operations/serverless-devs.ts";
import * as sessions from "./operations/sessions.ts";
import * as signatures from "./operations/signatures.ts";
import { applyChange } from "./operations/steps/change.ts";
import type { ArchiveInput } from "./operations/steps/staging.ts";
import { type SweepOptions, type SweepReport, sweep } from "./operations/sweep.ts";
import * as tokens from "./operations/tokens.ts";
import * as uploads from "./operations/uploads.ts";
import * as users from "./operations/users.ts";
import * as versions from "./operations/versions.ts";
import * as wrappedDownloads from "./operations/wrapped-downloads.ts";
import { type RegistryOptions, toContext } from "./options.ts";
import type { Clock } from "./ports/clock.ts";
import type { Logger } from "./ports/logger.ts";
import type { Load } from "./ports/telemetry.ts";
import type { Observer } from "./telemetry.ts";

/** An operation with its context filled in. */
type BoundOperation<F> = F extends (ctx: Context, ...args: infer Args) => infer Result
  ? (...args: Args) => Result
  : never;

/** A module of operations, each with its context filled in. */
export type Bound<Module> = { readonly [Name in keyof Module]: BoundOperation<Module[Name]> };

/** A registry: every operation, ready to be called. Each says first who calls, then what is asked. */
export interface Registry {
  readonly users: Bound<typeof users>;
  readonly sessions: Bound<typeof sessions>;
  readonly tokens: Bound<typeof tokens> & Bound<typeof publishGrants>;
  readonly apiKeys: Bound<typeof apiKeys>;
  readonly signatures: Bound<typeof signatures>;
  readonly releases: Bound<typeof releases> & Bound<typeof publishing> & Bound<typeof versions>;
  readonly uploads: Bound<typeof uploads>;
  readonly downloads: Bound<typeof downloads> & Bound<typeof wrappedDownloads>;
  readonly search: Bound<typeof search>;
  readonly packages: Bound<typeof packages>;
  readonly maintainers: Bound<typeof maintainers>;
  readonly ratings: Bound<typeof ratings>;
  readonly audit: Bound<typeof audit> & Bound<typeof auditChain>;
  readonly catalog: Bound<typeof catalog>;
  /** What the Serverless Devs protocol asks for beyond the rest. */
  readonly serverlessDevs: Bound<typeof serverlessDevs>;
  readonly safetyCodes: Bound<typeof safetyCodes>;
  readonly listing: Bound<typeof listing>;
  /** What listeners and webhooks are told, once it is called for. */
  readonly events: Bound<typeof events>;
  /** The registry's clock and log, and what an HTTP layer has to know of its limits. */
  readonly clock: Clock;
  readonly logger: Logger;
  /** What an HTTP layer tells the host's telemetry by; null when there is none. */
  readonly telemetry: Observer | null;
  readonly limits: { readonly uploadBytes: number; readonly healthTimeoutMs: number };

  /**
   * Brings the database's schema up to date; call it once before anything else. Safe to call at every start.
   * @returns names of the changes that were made
   */
  migrate(): Promise<string[]>;
  /**
   * Makes a user an administrator, or takes the right back. For the host only: there is no way to it from outside.
   * @throws user_not_found
   */
  setAdmin(username: string, isAdmin: boolean, origin?: Origin): Promise<void>;
  /**
   * Removes what has had its time: expired uploads, credentials, one-time values and rate counters, delivered events, archives that
   * no version has needed for a while, what crashes left; and seals the audit log. Call it from time to time, say every hour: the library has no
   * timers. It may be cut short at any point, go on there, and run by several instances at once. A step that fails is reported, and
   * the others run.
   * @throws RangeError, TypeError, and the signal's reason
   */
  sweep(options?: SweepOptions): Promise<SweepReport>;
  /**
   * Compares what rows say with each other and with the stored archives, and mends what can be mended if asked to; never removes a
   * version. It works in pages, may go on where an earlier run ended, and run while the registry is used.
   * @throws TypeError, unavailable
   */
  fsck(options?: FsckOptions): Promise<FsckReport>;
  /**
   * Puts the bytes of an archive in the place of stored ones that are missing or damaged. Their digest says which archive it is.
   * @throws version_not_found when no version needs these bytes; payload_too_large, no_file, insufficient_storage, unavailable
   */
  heal(input: ArchiveInput): Promise<HealedArchive>;
  /**
   * How the registry and what it needs are. Never rejects, and takes no longer than `limits.healthTimeoutMs`, whatever hangs. Who asks
   * within a second gets the same answer, so that asking is no load.
   */
  health(): Promise<HealthReport>;
  /** What waits and is kept in this process's memory. */
  load(): Load;
  /** Whether a failure means that something the registry needs is full or away. For an HTTP layer. */
  outage(error: unknown): "insufficient_storage" | "unavailable" | null;
  /** Writes what waits in memory (download counts, and when credentials were used last). */
  flush(): Promise<void>;
  /** Writes what waits in memory and lets go of what the registry opened itself. */
  close(): Promise<void>;
}

/** Makes a registry. Nothing is read or written before the first call on it. */
export function createRegistry(options: RegistryOptions): Registry {
  const ctx = toContext(options);
  const { healthTimeoutMs = 2000 } = options.limits ?? {};
  const load = () => loadOf(ctx);
  ctx.telemetry?.attach(load, backlogOf(ctx, healthTimeoutMs), freeBytesOf(ctx, healthTimeoutMs));
  return Object.freeze({
    users: bind(ctx, "users", users),
    sessions: bind(ctx, "sessions", sessions),
    tokens: { ...bind(ctx, "tokens", tokens), ...bind(ctx, "tokens", publishGrants) },
    apiKeys: bind(ctx, "apiKeys", apiKeys),
    signatures: bind(ctx, "signatures", signatures),
    releases: {
      ...bind(ctx, "releases", releases),
      ...bind(ctx, "releases", publishing),
      ...bind(ctx, "releases", versions),
    },
    uploads: bind(ctx, "uploads", uploads),
    downloads: { ...bind(ctx, "downloads", downloads), ...bind(ctx, "downloads", wrappedDownloads) },
    search: bind(ctx, "search", search),
    packages: bind(ctx, "packages", packages),
    maintainers: bind(ctx, "maintainers", maintainers),
    ratings: bind(ctx, "ratings", ratings),
    audit: { ...bind(ctx, "audit", audit), ...bind(ctx, "audit", auditChain) },
    catalog: bind(ctx, "catalog", catalog),
    serverlessDevs: bind(ctx, "serverlessDevs", serverlessDevs),
    safetyCodes: bind(ctx, "safetyCodes", safetyCodes),
    listing: bind(ctx, "listing", listing),
    events: bind(ctx, "events", events),
    clock: ctx.clock,
    logger: ctx.logger,
    limits: { uploadBytes: ctx.limits.uploadBytes, healthTimeoutMs },
    migrate: () => migrate(ctx.database),
    async setAdmin(username: string, isAdmin: boolean, origin: Origin = {}) {
      const caller = { kind: "visitor", ...origin } as const;
      const request = { action: "user.set_admin", caller, details: { username, isAdmin } } as const;
      await applyChange(ctx, request, async (tx) => {
        if (!(await updateAdmin(tx, username, isAdmin))) throw new RegistryError("user_not_found");
      });
    },
    sweep: observedOperation(ctx, "sweep", (given) => sweep(ctx, given as SweepOptions)) as Registry["sweep"],
    fsck: observedOperation(ctx, "fsck", (given) => fsck(ctx, given as FsckOptions)) as Registry["fsck"],
    heal: observedOperation(ctx, "heal", (given) => heal(ctx, given as ArchiveInput)) as Registry["heal"],
    telemetry: ctx.telemetry,
    health: healthCheck(ctx, healthTimeoutMs),
    load,
    outage: (error: unknown) => ctx.database.outage(error),
    async flush() {
      await ctx.uses.flush();
      await ctx.downloads.flush();
    },
    async close() {
      try {
        await ctx.uses.flush();
        await ctx.downloads.close();
      } finally {
        await ctx.database.close();
      }
    },
  });
}

type Operation = (...args: unknown[]) => unknown;

function bind<Module extends object>(ctx: Context, noun: string, module: Module): Bound<Module> {
  const bound = Object.entries(module).map(([name, operation]) => [
    name,
    observedOperation(ctx, `${noun}.${name}`, (...args) => (operation as Operation)(ctx, ...args)),
  ]);
  return Object.freeze(Object.fromEntries(bound)) as Bound<Module>;
}

function observedOperation({ telemetry }: Context, name: string, operation: Operation): Operation {
  if (telemetry === null) return operation;
  const span = { kind: "operation", name, attributes: { "registry.operation": name } } as const;
  return (...args) => telemetry.run(span, () => operation(...args));
}
