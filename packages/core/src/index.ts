/**
 * An embeddable package registry: `createRegistry` over a database and a blob storage gives every operation as a function.
 * @module
 */
export type { ArchiveDocuments } from "./archive/documents.ts";
export { type Inspection, inspectArchive } from "./archive/inspect.ts";
export { type ArchiveLimits, defaultArchiveLimits } from "./archive/limits.ts";
export { type PublishManifest, parsePublishYaml } from "./archive/publish-yaml.ts";
export {
  type Actor,
  anonymous,
  type Caller,
  type NewAccount,
  type Origin,
  type Registration,
  type Visitor,
} from "./context.ts";
export { databaseNonces } from "./database-stores/nonces.ts";
export { databaseRateLimiter } from "./database-stores/rate-limiter.ts";
export type { Json, JsonMap } from "./domain/manifest.ts";
export type { PathGrant } from "./domain/paths.ts";
export type { Role } from "./domain/permissions.ts";
export type { PublishGrant, ScopeAction, Scopes } from "./domain/scopes.ts";
export { type ReceivedWebhook, verifyWebhook } from "./domain/webhooks.ts";
export { type ErrorCode, type ErrorDetails, errors, RegistryError } from "./errors.ts";
export type { ComponentHealth, HealthReport } from "./health.ts";
export type { AuditHead, AuditProblem, AuditVerdict, SealReport } from "./operations/audit-chain.ts";
export type { DeliverReport, EventDelivery } from "./operations/events.ts";
export type { FsckOptions, FsckProgress, FsckReport } from "./operations/fsck.ts";
export type { HealedArchive } from "./operations/heal.ts";
export type { HostUser } from "./operations/sessions.ts";
export type { SweepOptions, SweepProgress, SweepReport, SweepStepName, SweptStep } from "./operations/sweep.ts";
export type { FsckCheck, FsckCode, FsckFinding } from "./operations/upkeep/fsck-work.ts";
export type { LimitOptions, RegistryOptions } from "./options.ts";
export { argon2Passwords, type PasswordOptions } from "./passwords.ts";
export type {
  BlobStorage,
  ByteRange,
  CommitOptions,
  Digest,
  OpenBlob,
  StagedBlob,
  StoredBlob,
} from "./ports/blob-storage.ts";
export { type Clock, systemClock } from "./ports/clock.ts";
export type { Database, Engine, Executor, Tx } from "./ports/database.ts";
export type {
  EventData,
  EventListener,
  EventOf,
  EventOptions,
  EventType,
  RegistryEvent,
  Webhook,
} from "./ports/events.ts";
export type { Change, ChangeAction, Hooks } from "./ports/hooks.ts";
export type { Logger } from "./ports/logger.ts";
export type { ClaimTerms, NonceStore } from "./ports/nonce-store.ts";
export type { PasswordHasher } from "./ports/password-hasher.ts";
export type { RateLimiter, RateRule, RateVerdict } from "./ports/rate-limiter.ts";
export type { Tables } from "./ports/tables.ts";
export type {
  EndedSpan,
  Load,
  Span,
  SpanKind,
  TargetBacklog,
  Telemetry,
  TelemetryAttributes,
  TelemetryEvent,
  WorkLoad,
} from "./ports/telemetry.ts";
export { type Bound, createRegistry, type Registry } from "./registry.ts";
export type { Observer } from "./telemetry.ts";
