import type { Kysely } from "kysely";
import { completeTable, createTable } from "./changes.ts";
import { foldDuplicates } from "./duplicates.ts";
import { change, findCollation, readSchema, type TableSpec, withoutForeignKeyChecks } from "./schema.ts";

const hash = "VARCHAR(128)";
const count = "INT NOT NULL DEFAULT 0";
const time = "DATETIME(3)";

/** Our own columns and keys of the documented tables. */
const additions: Readonly<Record<string, TableSpec>> = {
  Users: {
    columns: { username_key: "VARCHAR(255) NULL", email_key: "VARCHAR(255) NULL", is_admin: count },
    keys: { Users_username_key: "unique username_key", Users_email_key: "unique email_key" },
  },
  Packages: {
    columns: {
      name_key: "VARCHAR(255) NULL",
      visibility: "VARCHAR(32) NOT NULL DEFAULT 'public'",
      deprecation: "TEXT NULL",
      rollouts: count,
      created_by: "BIGINT NULL",
    },
    keys: {
      Packages_name_key: "unique name_key",
      Packages_rollouts: "rollouts",
      Packages_created_by: "created_by, create_time",
    },
    references: { created_by: "Users" },
  },
  Versions: {
    columns: {
      version_key: "VARCHAR(255) NULL",
      prerelease: count,
      sha256: `${hash} NULL`,
      size: "BIGINT NULL",
      manifest: "MEDIUMTEXT NULL",
      published_at: `${time} NULL`,
      published_by: "BIGINT NULL",
      yank_reason: "TEXT NULL",
      deleted_at: `${time} NULL`,
      previous_status: "VARCHAR(64) NULL",
    },
    keys: {
      // Not the other way round: MySQL 9 does not check a reference whose key begins with it and ends in a null.
      Versions_version_key: "unique version_key, package_id",
      Versions_version: "package_id, version",
      Versions_latest: "package_id, status, prerelease, version_key DESC, grayscale",
      Versions_sha256: "sha256",
      Versions_published_by: "published_by, published_at",
    },
    references: { published_by: "Users" },
  },
  Tokens: {
    columns: {
      kind: "VARCHAR(32) NOT NULL DEFAULT 'session'",
      name: "TEXT NULL",
      scopes: "TEXT NULL",
      last_used_at: `${time} NULL`,
      family: `${hash} NULL`,
      rotated_at: `${time} NULL`,
    },
    keys: { Tokens_token: "token", Tokens_user: "user_id", Tokens_family: "family" },
  },
  AuditLogs: {
    columns: {
      package_id: "BIGINT NULL",
      address: "VARCHAR(255) NULL",
      request_id: "TEXT NULL",
      sealed: "BIGINT NOT NULL DEFAULT 0",
    },
    keys: { AuditLogs_package: "package_id, id", AuditLogs_sealed: "sealed, id" },
    references: { package_id: "Packages" },
  },
  PackageMaintainers: {
    columns: {},
    primary: ["package_id", "user_id"],
    keys: { PackageMaintainers_user: "user_id" },
  },
  PackageProviders: { columns: {}, keys: { PackageProviders_package: "package_id" } },
  PackageTags: { columns: {}, keys: { PackageTags_package: "package_id" } },
  Services: { columns: {}, keys: { Services_package: "package_id" } },
  Commands: { columns: {}, keys: { Commands_package: "package_id" } },
  Properties: { columns: {}, keys: { Properties_package: "package_id" } },
  Dependencies: {
    columns: {},
    keys: { Dependencies_package: "package_id", Dependencies_dependency: "dependency_package_id" },
  },
  Changelogs: { columns: {}, keys: { Changelogs_version: "version_id" } },
  PackageRatings: { columns: {}, keys: { PackageRatings_user: "unique package_id, user_id" } },
};

/** Tables of our own. */
const ownTables: Readonly<Record<string, TableSpec>> = {
  Uploads: {
    columns: {
      id_hash: `${hash} NOT NULL`,
      version_id: "BIGINT NOT NULL",
      user_id: "BIGINT NOT NULL",
      created_at: `${time} NOT NULL`,
      expires_at: `${time} NOT NULL`,
      completed_sha256: `${hash} NULL`,
      refusal: "TEXT NULL",
      closed: count,
    },
    primary: ["id_hash"],
    keys: { Uploads_version: "version_id", Uploads_user: "user_id, closed, expires_at" },
    references: { version_id: "Versions", user_id: "Users" },
  },
  Blobs: {
    columns: {
      sha256: `${hash} NOT NULL`,
      size: "BIGINT NOT NULL",
      state: "VARCHAR(32) NOT NULL",
      touched_at: `${time} NOT NULL`,
    },
    primary: ["sha256"],
  },
  DownloadDays: {
    columns: {
      version_id: "BIGINT NOT NULL",
      day: "VARCHAR(10) NOT NULL",
      package_id: "BIGINT NOT NULL",
      count: "BIGINT NOT NULL",
    },
    primary: ["version_id", "day"],
    keys: { DownloadDays_package: "package_id, day" },
    references: { version_id: "Versions", package_id: "Packages" },
  },
  ApiKeys: {
    columns: {
      id: `${hash} NOT NULL`,
      user_id: "BIGINT NOT NULL",
      name: "TEXT NOT NULL",
      sealed: "TEXT NOT NULL",
      key_hash: `${hash} NOT NULL`,
      md5_hash: `${hash} NOT NULL`,
      scopes: "TEXT NULL",
      networks: "TEXT NULL",
      created_at: `${time} NOT NULL`,
      expires_at: `${time} NULL`,
      last_used_at: `${time} NULL`,
    },
    primary: ["id"],
    keys: { ApiKeys_key: "unique key_hash", ApiKeys_md5: "unique md5_hash", ApiKeys_user: "user_id" },
    references: { user_id: "Users" },
  },
  AuditSeals: {
    columns: {
      id: "BIGINT NOT NULL AUTO_INCREMENT",
      entries: "MEDIUMTEXT NOT NULL",
      mac: "TEXT NOT NULL",
      sealed_at: `${time} NOT NULL`,
    },
    primary: ["id"],
  },
  Nonces: {
    columns: { value_hash: `${hash} NOT NULL`, expires_at: "BIGINT NOT NULL" },
    primary: ["value_hash"],
    keys: { Nonces_expires: "expires_at" },
  },
  RateCounters: {
    columns: { counter: "VARCHAR(255) NOT NULL", runs: "TEXT NOT NULL", expires_at: "BIGINT NOT NULL" },
    primary: ["counter"],
    keys: { RateCounters_expires: "expires_at" },
  },
  // What a package's index holds, in order and between blanks, and which packages hold a term.
  PackageSearch: { columns: { rowid: "BIGINT NOT NULL", terms: "MEDIUMTEXT NOT NULL" }, primary: ["rowid"] },
  PackageTerms: {
    columns: { term: "VARCHAR(100) NOT NULL", package_id: "BIGINT NOT NULL" },
    primary: ["term", "package_id"],
    keys: { PackageTerms_package: "package_id" },
  },
  // Whose turn it is: a row per package that each change of the package changes, and the like of users.
  Turns: { columns: { name: "VARCHAR(64) NOT NULL", turn: "BIGINT NOT NULL" }, primary: ["name"] },
};

/** Our own columns, tables and keys beside the documented ones, on MySQL. */
export async function addRegistryColumnsOnMysql(db: Kysely<unknown>): Promise<void> {
  const collation = await findCollation(db);
  await foldDuplicates(db);
  await withoutForeignKeyChecks(db, async () => {
    const schema = await readSchema(db);
    for (const [name, spec] of Object.entries(additions)) {
      const statement = completeTable(name, spec, schema.get(name.toLowerCase()));
      if (statement !== null) await change(db, statement);
    }
    const known = Object.keys(additions);
    for (const [name, spec] of Object.entries(ownTables))
      await change(db, createTable(name, spec, { collation, known }));
  });
}
