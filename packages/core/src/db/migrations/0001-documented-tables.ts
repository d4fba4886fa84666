import { type Kysely, sql } from "kysely";

/**
 * The sixteen documented tables, where they are not there yet: a database that the original project made is taken as it is.
 */
export async function createDocumentedTables(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const id = "id INTEGER PRIMARY KEY AUTOINCREMENT";
const packageId = "package_id INTEGER REFERENCES Packages(id)";
const now = "TIMESTAMP DEFAULT CURRENT_TIMESTAMP";

const statements = [
  table(
    "Users",
    id,
    "username TEXT UNIQUE NOT NULL",
    "password_hash TEXT NOT NULL",
    "email TEXT UNIQUE NOT NULL",
    `created_at ${now}`,
    "last_login TIMESTAMP",
  ),
  table(
    "Packages",
    id,
    "name VARCHAR(64) NOT NULL UNIQUE",
    "type TEXT CHECK(type IN ('project', 'component', 'plugin')) NOT NULL",
    "description TEXT",
    "home VARCHAR(255)",
    `create_time ${now}`,
    `update_time ${now}`,
    "downloads_count INTEGER DEFAULT 0",
    "is_deprecated BOOLEAN DEFAULT 0",
    "latest_version_id INTEGER REFERENCES Versions(id) ON DELETE SET NULL",
  ),
  table(
    "Versions",
    id,
    packageId,
    "version VARCHAR(64) NOT NULL",
    "edition VARCHAR(10) NOT NULL",
    "description TEXT",
    "readme TEXT",
    "zipball_url VARCHAR(255)",
    `created_at ${now}`,
    "grayscale FLOAT DEFAULT 1",
    "status TEXT DEFAULT 'pending'",
    "downloads_count INTEGER DEFAULT 0",
  ),
  table("Providers", id, "name VARCHAR(50) NOT NULL UNIQUE"),
  table("PackageProviders", packageId, "provider_id INTEGER REFERENCES Providers(id)"),
  table("Tags", id, "name VARCHAR(50) NOT NULL UNIQUE"),
  table("PackageTags", packageId, "tag_id INTEGER REFERENCES Tags(id)"),
  table("Services", id, packageId, "service_name VARCHAR(100) NOT NULL", "permissions TEXT"),
  table("Commands", id, packageId, "command_name VARCHAR(50) NOT NULL", "description TEXT"),
  table("Properties", id, packageId, "property_name VARCHAR(50) NOT NULL", "property_value TEXT"),
  table(
    "Tokens",
    id,
    "user_id INTEGER NOT NULL REFERENCES Users(id)",
    "token TEXT NOT NULL",
    `created_at ${now}`,
    "expired_at TIMESTAMP",
  ),
  table(
    "PackageMaintainers",
    "package_id INTEGER NOT NULL REFERENCES Packages(id)",
    "user_id INTEGER NOT NULL REFERENCES Users(id)",
    "role TEXT NOT NULL",
  ),
  table(
    "Dependencies",
    id,
    packageId,
    "dependency_package_id INTEGER REFERENCES Packages(id)",
    "version_constraint TEXT",
  ),
  table("Changelogs", id, "version_id INTEGER REFERENCES Versions(id)", "changelog TEXT", `created_at ${now}`),
  table(
    "PackageRatings",
    id,
    packageId,
    "user_id INTEGER REFERENCES Users(id)",
    "rating INTEGER CHECK(rating >= 1 AND rating <= 5)",
    "comment TEXT",
    `created_at ${now}`,
  ),
  table("AuditLogs", id, "user_id INTEGER REFERENCES Users(id)", "action TEXT", "details TEXT", `created_at ${now}`),
];

function table(name: string, ...columns: string[]): string {
  return `CREATE TABLE IF NOT EXISTS ${name} (${columns.join(", ")})`;
}
