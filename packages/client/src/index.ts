export type { AuditEntry, AuditPage, Identity, Session } from "./account-types.ts";
export { type Client, createClient } from "./client.ts";
export type {
  ApiKeyInfo,
  CreateApiKeyInput,
  CreateTokenInput,
  GrantPublishInput,
  NewApiKey,
  NewToken,
  ScopeAction,
  Scopes,
  ScopesInput,
  TokenInfo,
} from "./credential-types.ts";
export type { ErrorCode } from "./error-codes.ts";
export { ClientError, type FailureFacts, type LocalErrorCode } from "./errors.ts";
export type {
  ChangelogEntry,
  Dependency,
  LabelCount,
  Maintainer,
  PackageInfo,
  PackageStats,
  Rating,
  Role,
  UpdatePackageInput,
} from "./package-types.ts";
export type { SignatureProfile } from "./signing.ts";
export type { ClientOptions } from "./transport.ts";
export type {
  ArchiveInput,
  Json,
  JsonMap,
  LocatedArchive,
  OpenRelease,
  PackageInput,
  PackageType,
  Progress,
  PublishedArchive,
  PublishInput,
  ReceiveInput,
  Release,
  ReleaseInput,
  ReleaseSummary,
  SearchHit,
  SearchInput,
  UploadInput,
  UploadState,
  VersionInput,
} from "./types.ts";
