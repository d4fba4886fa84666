import type { Generated } from "kysely";
import type { Defaulted, Optional } from "./columns.ts";
import type {
  ChangelogsTable,
  CommandsTable,
  DependenciesTable,
  NamedTable,
  PropertiesTable,
  ServicesTable,
} from "./manifest-tables.ts";
import type {
  ApiKeysTable,
  AuditSealsTable,
  BlobsTable,
  EventDeliveriesTable,
  EventQueuesTable,
  EventsTable,
  UploadsTable,
} from "./own-tables.ts";

/**
 * The tables as Kysely types. The sixteen documented ones keep their documented names and columns; columns of our own
 * stand after them and are nullable or defaulted; tables of our own follow at the end. Columns of what versions say of themselves are in
 * `manifest-tables.ts`, most of those of our own tables in `own-tables.ts`.
 *
 * Times are UTC text, `YYYY-MM-DD HH:MM:SS.mmm` (the original's `CURRENT_TIMESTAMP` rows lack the milliseconds and sort
 * among them). Booleans are 0 or 1. JSON is text.
 */
export interface Tables {
  Users: UsersTable;
  Packages: PackagesTable;
  Versions: VersionsTable;
  Providers: NamedTable;
  PackageProviders: { package_id: number; provider_id: number };
  Tags: NamedTable;
  PackageTags: { package_id: number; tag_id: number };
  Services: ServicesTable;
  Commands: CommandsTable;
  Properties: PropertiesTable;
  Tokens: TokensTable;
  PackageMaintainers: { package_id: number; user_id: number; role: string };
  Dependencies: DependenciesTable;
  Changelogs: ChangelogsTable;
  PackageRatings: PackageRatingsTable;
  AuditLogs: AuditLogsTable;

  Uploads: UploadsTable;
  Blobs: BlobsTable;
  ApiKeys: ApiKeysTable;
  AuditSeals: AuditSealsTable;
  Events: EventsTable;
  EventDeliveries: EventDeliveriesTable;
  EventQueues: EventQueuesTable;
  Nonces: { value_hash: string; expires_at: number };
  RateCounters: { counter: string; runs: string; expires_at: number };
  DownloadDays: { version_id: number; day: string; package_id: number; count: number };
  /** Full-text index over packages: one row per package that readers can find, `rowid` is the package's id. */
  PackageSearch: { rowid: number; name: string; terms: string };
  PackageTerms: { term: string; package_id: number };
}

interface UsersTable {
  id: Generated<number>;
  username: string;
  password_hash: string;
  email: string;
  created_at: Defaulted<string>;
  last_login: Optional<string>;
  /** `username` in lower case; unique. Null for taken-over users whose name differs from an older one only by case. */
  username_key: Optional<string>;
  /** `email` in lower case; unique, null as above. */
  email_key: Optional<string>;
  is_admin: Defaulted<number>;
}

interface PackagesTable {
  id: Generated<number>;
  name: string;
  type: string;
  description: Optional<string>;
  home: Optional<string>;
  create_time: Defaulted<string>;
  update_time: Defaulted<string>;
  downloads_count: Defaulted<number>;
  is_deprecated: Defaulted<number>;
  latest_version_id: Optional<number>;
  /** The name with case, separators and look-alikes folded; unique. Null for taken-over names that fold like an older one. */
  name_key: Optional<string>;
  /** `public` or `private`. */
  visibility: Defaulted<string>;
  deprecation: Optional<string>;
  /** How many active versions are out for a part of the clients only. */
  rollouts: Defaulted<number>;
  /** Who opened its first version; null for taken-over packages. */
  created_by: Optional<number>;
}

interface VersionsTable {
  id: Generated<number>;
  package_id: number;
  version: string;
  edition: string;
  description: Optional<string>;
  readme: Optional<string>;
  /** Kept for the schema's sake; never read or written (addresses are built when they are shown). */
  zipball_url: Optional<string>;
  created_at: Defaulted<string>;
  grayscale: Defaulted<number>;
  status: Defaulted<string>;
  downloads_count: Defaulted<number>;
  /** Text that sorts byte by byte as SemVer precedence does; unique per package, so versions that differ in build metadata collide. */
  version_key: Optional<string>;
  prerelease: Defaulted<number>;
  sha256: Optional<string>;
  size: Optional<number>;
  /** The version's own manifest as JSON, see `Manifest`. */
  manifest: Optional<string>;
  published_at: Optional<string>;
  published_by: Optional<number>;
  yank_reason: Optional<string>;
  deleted_at: Optional<string>;
  /** Status to return to when an administrator's block ends, or a deletion is taken back. */
  previous_status: Optional<string>;
}

interface TokensTable {
  id: Generated<number>;
  user_id: number;
  /** SHA-256 of the token in hexadecimal; the token itself is nowhere. */
  token: string;
  created_at: Defaulted<string>;
  expired_at: Optional<string>;
  /** `session` (a sign-in), `named` (made by its user for a program) or `grant` (publishes one archive once). */
  kind: Defaulted<string>;
  /** What the user calls it; null for sessions. */
  name: Optional<string>;
  /** JSON of what it is good for, see `Scopes`; null for everything its user may do. */
  scopes: Optional<string>;
  /** Coarse: written at most once in a while. */
  last_used_at: Optional<string>;
  /** The same for every token that came of one sign-in by refreshing. */
  family: Optional<string>;
  /** When a refresh replaced it. From then on it signs nobody in; presented again, it ends its family. */
  rotated_at: Optional<string>;
}

interface PackageRatingsTable {
  id: Generated<number>;
  package_id: number;
  user_id: number;
  rating: number;
  comment: Optional<string>;
  created_at: Defaulted<string>;
}

interface AuditLogsTable {
  id: Generated<number>;
  user_id: Optional<number>;
  action: Optional<string>;
  /** JSON text. */
  details: Optional<string>;
  created_at: Defaulted<string>;
  package_id: Optional<number>;
  /** Network address the change came from, where one is known. */
  address: Optional<string>;
  request_id: Optional<string>;
  /** Id of the seal of the audit chain that covers it; 0 while none does. */
  sealed: Defaulted<number>;
}
