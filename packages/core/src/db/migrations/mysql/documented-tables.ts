import { type Kysely, sql } from "kysely";
import { addCheck, completeTable, convertTable, createTable, dropForeignKeys, quoted } from "./changes.ts";
import { change, findCollation, readSchema, type TableSpec, withoutForeignKeyChecks } from "./schema.ts";

const id = "BIGINT NOT NULL AUTO_INCREMENT";
const now = "DATETIME(3) NULL DEFAULT CURRENT_TIMESTAMP(3)";
const key = "BIGINT NULL";
/** For tables of which no documented columns are a key: replication wants one. Seen by those only who ask for it. */
const row_id = "BIGINT NOT NULL AUTO_INCREMENT INVISIBLE PRIMARY KEY";

/** The sixteen documented tables. Texts that are unique or have a default cannot be TEXT here. */
const documentedTables: Readonly<Record<string, TableSpec>> = {
  Users: {
    columns: {
      id,
      username: "VARCHAR(255) NOT NULL",
      password_hash: "TEXT NOT NULL",
      email: "VARCHAR(255) NOT NULL",
      created_at: now,
      last_login: "DATETIME(3) NULL",
    },
    primary: ["id"],
    keys: { Users_username: "unique username", Users_email: "unique email" },
  },
  Packages: {
    columns: {
      id,
      name: "VARCHAR(64) NOT NULL",
      type: "VARCHAR(32) NOT NULL",
      description: "TEXT NULL",
      home: "VARCHAR(255) NULL",
      create_time: now,
      update_time: now,
      downloads_count: "BIGINT NULL DEFAULT 0",
      is_deprecated: "TINYINT NULL DEFAULT 0",
      latest_version_id: key,
    },
    primary: ["id"],
    keys: { Packages_name: "unique name" },
    checks: { Packages_type: "type IN ('project', 'component', 'plugin')" },
    references: { latest_version_id: "Versions ON DELETE SET NULL" },
  },
  Versions: {
    columns: {
      id,
      package_id: key,
      version: "VARCHAR(64) NOT NULL",
      edition: "VARCHAR(10) NOT NULL",
      description: "TEXT NULL",
      readme: "MEDIUMTEXT NULL",
      zipball_url: "VARCHAR(255) NULL",
      created_at: now,
      grayscale: "DOUBLE NULL DEFAULT 1",
      status: "VARCHAR(64) NULL DEFAULT 'pending'",
      downloads_count: "BIGINT NULL DEFAULT 0",
    },
    primary: ["id"],
    references: { package_id: "Packages" },
  },
  Providers: {
    columns: { id, name: "VARCHAR(50) NOT NULL" },
    primary: ["id"],
    keys: { Providers_name: "unique name" },
  },
  PackageProviders: {
    columns: { package_id: key, provider_id: key, row_id },
    references: { package_id: "Packages", provider_id: "Providers" },
  },
  Tags: { columns: { id, name: "VARCHAR(50) NOT NULL" }, primary: ["id"], keys: { Tags_name: "unique name" } },
  PackageTags: {
    columns: { package_id: key, tag_id: key, row_id },
    references: { package_id: "Packages", tag_id: "Tags" },
  },
  Services: {
    columns: { id, package_id: key, service_name: "VARCHAR(100) NOT NULL", permissions: "MEDIUMTEXT NULL" },
    primary: ["id"],
    references: { package_id: "Packages" },
  },
  Commands: {
    columns: { id, package_id: key, command_name: "VARCHAR(50) NOT NULL", description: "MEDIUMTEXT NULL" },
    primary: ["id"],
    references: { package_id: "Packages" },
  },
  Properties: {
    columns: { id, package_id: key, property_name: "VARCHAR(50) NOT NULL", property_value: "MEDIUMTEXT NULL" },
    primary: ["id"],
    references: { package_id: "Packages" },
  },
  Tokens: {
    columns: {
      id,
      user_id: "BIGINT NOT NULL",
      token: "VARCHAR(255) NOT NULL",
      created_at: now,
      expired_at: "DATETIME(3) NULL",
    },
    primary: ["id"],
    references: { user_id: "Users" },
  },
  PackageMaintainers: {
    columns: { package_id: "BIGINT NOT NULL", user_id: "BIGINT NOT NULL", role: "VARCHAR(64) NOT NULL" },
    primary: ["package_id", "user_id"],
    references: { package_id: "Packages", user_id: "Users" },
  },
  Dependencies: {
    columns: { id, package_id: key, dependency_package_id: key, version_constraint: "TEXT NULL" },
    primary: ["id"],
    references: { package_id: "Packages", dependency_package_id: "Packages" },
  },
  Changelogs: {
    columns: { id, version_id: key, changelog: "MEDIUMTEXT NULL", created_at: now },
    primary: ["id"],
    references: { version_id: "Versions" },
  },
  PackageRatings: {
    columns: { id, package_id: key, user_id: key, rating: "INT NULL", comment: "TEXT NULL", created_at: now },
    primary: ["id"],
    checks: { PackageRatings_rating: "rating >= 1 AND rating <= 5" },
    references: { package_id: "Packages", user_id: "Users" },
  },
  AuditLogs: {
    columns: { id, user_id: key, action: "TEXT NULL", details: "MEDIUMTEXT NULL", created_at: now },
    primary: ["id"],
    references: { user_id: "Users" },
  },
};

/** The sixteen documented tables on MySQL. Those that the original project made are taken as they are and given our types. */
export async function createDocumentedTablesOnMysql(db: Kysely<unknown>): Promise<void> {
  const collation = await findCollation(db);
  const names = Object.keys(documentedTables);
  await withoutForeignKeyChecks(db, async () => {
    await convertStrangeTables(db, collation);
    for (const [at, name] of names.entries()) {
      await change(db, createTable(name, specOf(name), { collation, known: names.slice(0, at) }));
    }
    const schema = await readSchema(db);
    for (const name of names) {
      const found = schema.get(name.toLowerCase());
      // Rows that are there twice are in the way of this one's key; the next migration folds them.
      const { primary, ...rest } = specOf(name);
      const statement = completeTable(name, rest, found);
      if (statement !== null) await change(db, statement);
      // Not where tables are converted: after a kill in between, one that is converted is not looked at there again.
      for (const check of Object.entries(rest.checks ?? {})) {
        if (!found?.checks.has(check[0]) && (await keeps(db, name, check[1]))) await change(db, addCheck(name, check));
      }
    }
  });
}

async function convertStrangeTables(db: Kysely<unknown>, collation: string): Promise<void> {
  const schema = await readSchema(db);
  const strange = Object.keys(documentedTables).flatMap((name) => {
    const found = schema.get(name.toLowerCase());
    // Whatever made it, it did not choose this collation.
    return found === undefined || found.collation === collation ? [] : [{ name, found, spec: specOf(name) }];
  });
  for (const { name, spec, found } of strange) {
    const statement = dropForeignKeys(name, spec, found);
    if (statement !== null) await change(db, statement);
  }
  for (const { name, spec, found } of strange) {
    // They are void, and may be longer than ours.
    if (name === "Tokens") await sql`delete from Tokens`.execute(db);
    await change(db, convertTable(name, spec, found, collation));
  }
}

/** Whether all rows of a table keep a condition. */
async function keeps(db: Kysely<unknown>, table: string, condition: string): Promise<boolean> {
  const { rows } = await sql`select 1 from ${sql.raw(quoted(table))} where not (${sql.raw(condition)}) limit 1`.execute(
    db,
  );
  return rows.length === 0;
}

function specOf(name: string): TableSpec {
  return documentedTables[name] ?? { columns: {} };
}
