import { type Kysely, sql } from "kysely";

/** Our own columns, tables and keys beside the documented ones. */
export async function addRegistryColumns(db: Kysely<unknown>): Promise<void> {
  for (const [table, columns] of Object.entries(columnsByTable)) {
    for (const column of columns) await sql.raw(`ALTER TABLE ${table} ADD COLUMN ${column}`).execute(db);
  }
  for (const statement of tables) await sql.raw(statement).execute(db);
  for (const statement of keys) await sql.raw(statement).execute(db);
}

const columnsByTable = {
  Users: ["username_key TEXT", "email_key TEXT", "is_admin INTEGER NOT NULL DEFAULT 0"],
  Packages: [
    "name_key TEXT",
    "visibility TEXT NOT NULL DEFAULT 'public'",
    "deprecation TEXT",
    "rollouts INTEGER NOT NULL DEFAULT 0",
    "created_by INTEGER REFERENCES Users(id)",
  ],
  Versions: [
    "version_key TEXT",
    "prerelease INTEGER NOT NULL DEFAULT 0",
    "sha256 TEXT",
    "size INTEGER",
    "manifest TEXT",
    "published_at TIMESTAMP",
    "published_by INTEGER REFERENCES Users(id)",
    "yank_reason TEXT",
    "deleted_at TIMESTAMP",
    "previous_status TEXT",
  ],
  Tokens: [
    "kind TEXT NOT NULL DEFAULT 'session'",
    "name TEXT",
    "scopes TEXT",
    "last_used_at TIMESTAMP",
    "family TEXT",
    "rotated_at TIMESTAMP",
  ],
  AuditLogs: [
    "package_id INTEGER REFERENCES Packages(id)",
    "address TEXT",
    "request_id TEXT",
    "sealed INTEGER NOT NULL DEFAULT 0",
  ],
} as const;

const tables = [
  `CREATE TABLE Uploads (
    id_hash TEXT PRIMARY KEY,
    version_id INTEGER NOT NULL REFERENCES Versions(id),
    user_id INTEGER NOT NULL REFERENCES Users(id),
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    completed_sha256 TEXT,
    refusal TEXT,
    closed INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID`,
  `CREATE TABLE Blobs (
    sha256 TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    state TEXT NOT NULL,
    touched_at TIMESTAMP NOT NULL
  ) WITHOUT ROWID`,
  `CREATE TABLE DownloadDays (
    version_id INTEGER NOT NULL REFERENCES Versions(id),
    day TEXT NOT NULL,
    package_id INTEGER NOT NULL REFERENCES Packages(id),
    count INTEGER NOT NULL,
    PRIMARY KEY (version_id, day)
  ) WITHOUT ROWID`,
  `CREATE TABLE ApiKeys (
    id TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES Users(id),
    name TEXT NOT NULL,
    sealed TEXT NOT NULL,
    key_hash TEXT NOT NULL,
    md5_hash TEXT NOT NULL,
    scopes TEXT,
    networks TEXT,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP,
    last_used_at TIMESTAMP
  ) WITHOUT ROWID`,
  `CREATE TABLE AuditSeals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    entries TEXT NOT NULL,
    mac TEXT NOT NULL,
    sealed_at TIMESTAMP NOT NULL
  )`,
  "CREATE TABLE Nonces (value_hash TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) WITHOUT ROWID",
  "CREATE TABLE RateCounters (counter TEXT PRIMARY KEY, runs TEXT NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID",
  `CREATE VIRTUAL TABLE PackageSearch USING fts5(
    terms, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 0 tokenchars '_'"
  )`,
];

/** Rows that a taken-over database holds twice are folded into one first: the strongest role, a user's newest rating. */
const keys = [
  `DELETE FROM PackageMaintainers WHERE rowid NOT IN (
    SELECT rowid FROM (
      SELECT rowid, row_number() OVER (
        PARTITION BY package_id, user_id
        ORDER BY CASE role WHEN 'owner' THEN 0 WHEN 'maintainer' THEN 1 ELSE 2 END, rowid
      ) AS place FROM PackageMaintainers
    ) WHERE place = 1
  )`,
  `DELETE FROM PackageRatings
    WHERE package_id IS NOT NULL AND user_id IS NOT NULL
    AND id NOT IN (SELECT max(id) FROM PackageRatings GROUP BY package_id, user_id)`,
  "CREATE UNIQUE INDEX Users_username_key ON Users(username_key)",
  "CREATE UNIQUE INDEX Users_email_key ON Users(email_key)",
  "CREATE UNIQUE INDEX Packages_name_key ON Packages(name_key)",
  "CREATE INDEX Packages_rollouts ON Packages(rollouts)",
  "CREATE UNIQUE INDEX Versions_version_key ON Versions(package_id, version_key)",
  "CREATE INDEX Versions_version ON Versions(package_id, version)",
  "CREATE INDEX Versions_latest ON Versions(package_id, status, prerelease, version_key DESC, grayscale)",
  "CREATE INDEX Versions_sha256 ON Versions(sha256)",
  "CREATE UNIQUE INDEX PackageMaintainers_member ON PackageMaintainers(package_id, user_id)",
  "CREATE INDEX PackageMaintainers_user ON PackageMaintainers(user_id)",
  "CREATE INDEX PackageProviders_package ON PackageProviders(package_id)",
  "CREATE INDEX PackageTags_package ON PackageTags(package_id)",
  "CREATE INDEX Services_package ON Services(package_id)",
  "CREATE INDEX Commands_package ON Commands(package_id)",
  "CREATE INDEX Properties_package ON Properties(package_id)",
  "CREATE INDEX Dependencies_package ON Dependencies(package_id)",
  "CREATE INDEX Dependencies_dependency ON Dependencies(dependency_package_id)",
  "CREATE INDEX Changelogs_version ON Changelogs(version_id)",
  "CREATE UNIQUE INDEX PackageRatings_user ON PackageRatings(package_id, user_id)",
  "CREATE INDEX Packages_created_by ON Packages(created_by, create_time)",
  "CREATE INDEX Versions_published_by ON Versions(published_by, published_at)",
  "CREATE INDEX Tokens_token ON Tokens(token)",
  "CREATE INDEX Tokens_family ON Tokens(family)",
  "CREATE UNIQUE INDEX ApiKeys_key ON ApiKeys(key_hash)",
  "CREATE UNIQUE INDEX ApiKeys_md5 ON ApiKeys(md5_hash)",
  "CREATE INDEX ApiKeys_user ON ApiKeys(user_id)",
  "CREATE INDEX AuditLogs_sealed ON AuditLogs(sealed, id)",
  "CREATE INDEX Uploads_user ON Uploads(user_id, closed, expires_at)",
  "CREATE INDEX Nonces_expires ON Nonces(expires_at)",
  "CREATE INDEX RateCounters_expires ON RateCounters(expires_at)",
  "CREATE INDEX Tokens_user ON Tokens(user_id)",
  "CREATE INDEX AuditLogs_package ON AuditLogs(package_id, id)",
  "CREATE INDEX Uploads_version ON Uploads(version_id)",
  "CREATE INDEX DownloadDays_package ON DownloadDays(package_id, day)",
];
