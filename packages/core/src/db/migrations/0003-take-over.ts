import { type Kysely, sql } from "kysely";
import type { Manifest } from "../../domain/manifest.ts";
import { foldAccount, foldName } from "../../domain/names.ts";
import { isVisible } from "../../domain/status.ts";
import { isPrerelease, parseVersion, versionKey } from "../../domain/versions.ts";
import type { Tx } from "../../ports/database.ts";
import type { Tables } from "../../ports/tables.ts";
import { engineOf } from "../engine.ts";
import { readSets, setNames } from "../manifest-sets.ts";
import { refreshLatest } from "../package-index.ts";

/**
 * Fills our columns for rows that the original project wrote. Of names that fold alike the oldest holds the key; the others
 * stay usable under their exact spelling. Of versions with the same number readers see the oldest that was published.
 * Old sign-in tokens are void (they were not hashes), so they are removed.
 */
export async function takeOver(db: Kysely<Tables>): Promise<void> {
  await fillDefaults(db);
  await fillAccountKeys(db);
  await fillPackageKeys(db);
  await fillVersions(db);
  await fillManifests(db);
  await db.deleteFrom("Tokens").execute();
  const packages = await db.selectFrom("Packages").select("id").execute();
  for (const { id } of packages) await refreshLatest(db as Tx, id);
}

/** What a column holds that was written as null although it has a documented default. */
const defaults = {
  Users: { created_at: "CURRENT_TIMESTAMP" },
  Packages: {
    create_time: "CURRENT_TIMESTAMP",
    update_time: "CURRENT_TIMESTAMP",
    downloads_count: "0",
    is_deprecated: "0",
  },
  Versions: { created_at: "CURRENT_TIMESTAMP", grayscale: "1", status: "'pending'", downloads_count: "0" },
  Changelogs: { created_at: "CURRENT_TIMESTAMP" },
  PackageRatings: { created_at: "CURRENT_TIMESTAMP" },
  AuditLogs: { created_at: "CURRENT_TIMESTAMP" },
} as const;

async function fillDefaults(db: Kysely<Tables>): Promise<void> {
  for (const [table, columns] of Object.entries(defaults)) {
    for (const [column, value] of Object.entries(columns)) {
      await sql.raw(`UPDATE ${table} SET ${column} = ${value} WHERE ${column} IS NULL`).execute(db);
    }
  }
  // What 0.3 becomes where a number of 32 bits is widened.
  if (engineOf(db) === "mysql") await sql`UPDATE Versions SET grayscale = round(grayscale, 6)`.execute(db);
  // The original had no place for a reason.
  const deprecation = "This package is deprecated";
  await db.updateTable("Packages").set({ deprecation }).where("is_deprecated", "=", 1).execute();
}

async function fillAccountKeys(db: Kysely<Tables>): Promise<void> {
  const users = await db.selectFrom("Users").select(["id", "username", "email"]).orderBy("id").execute();
  const usernames = new Set<string>();
  const emails = new Set<string>();
  for (const { id, username, email } of users) {
    const keys = {
      username_key: claim(usernames, foldAccount(username)),
      email_key: claim(emails, foldAccount(email)),
    };
    await db.updateTable("Users").set(keys).where("id", "=", id).execute();
  }
}

async function fillPackageKeys(db: Kysely<Tables>): Promise<void> {
  const packages = await db.selectFrom("Packages").select(["id", "name"]).orderBy("id").execute();
  const names = new Set<string>();
  for (const { id, name } of packages) {
    const name_key = claim(names, foldName(name));
    await db.updateTable("Packages").set({ name_key }).where("id", "=", id).execute();
  }
}

/** The key for the first who asks for it, null for everybody after. */
function claim(taken: Set<string>, key: string): string | null {
  if (taken.has(key)) return null;
  taken.add(key);
  return key;
}

async function fillVersions(db: Kysely<Tables>): Promise<void> {
  const versions = await db
    .selectFrom("Versions")
    .select(["id", "package_id", "version", "status", "zipball_url", "created_at"])
    .orderBy("id")
    .execute();
  const [numbers, places] = [new Set<string>(), new Set<string>()];
  const rows = versions.map((row) => ({ ...row, status: takenOverStatus(row.status, row.zipball_url) }));
  // What readers see holds its place before what they do not.
  for (const row of [...rows.filter(isShown), ...rows.filter((one) => !isShown(one))]) {
    const isFirst = claim(numbers, `${row.package_id} ${row.version}`) !== null;
    const status = isFirst || !isShown(row) ? row.status : "expired";
    const order = orderOf(row.version);
    const place = order === null ? null : claim(places, `${row.package_id} ${order.key}`);
    await db
      .updateTable("Versions")
      .set({
        version_key: place === null ? null : (order?.key ?? null),
        prerelease: order?.prerelease ? 1 : 0,
        status,
        published_at: status === "active" ? row.created_at : null,
      })
      .where("id", "=", row.id)
      .execute();
  }
}

function isShown({ status }: { status: string }): boolean {
  return isVisible(status);
}

function orderOf(version: string): { key: string; prerelease: boolean } | null {
  try {
    const number = parseVersion(version);
    return { key: versionKey(number), prerelease: isPrerelease(number) };
  } catch {
    return null;
  }
}

/**
 * The original left `/upload/<id>` in `zipball_url` until the archive had come, and put the archive's address there then;
 * what it called a published version is not documented.
 */
function takenOverStatus(status: string, zipballUrl: string | null): string {
  if (status === "pending" && !zipballUrl?.includes("/zipball/")) return "expired";
  return status === "yanked" || status === "deleted" || status === "rejected" || status === "expired"
    ? status
    : "active";
}

/** Taken-over versions say what their package says: the original kept these sets for packages only. */
async function fillManifests(db: Kysely<Tables>): Promise<void> {
  const packages = await db.selectFrom("Packages").select(["id", "home"]).execute();
  for (const { id, home } of packages) {
    const sets = await readSets(db, id, setNames);
    const manifest = JSON.stringify({ ...(home === null ? {} : { home }), ...sets } satisfies Manifest);
    await db.updateTable("Versions").set({ manifest }).where("package_id", "=", id).execute();
  }
}
