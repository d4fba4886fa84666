import { parsePackageName, parseUsername } from "../domain/names.ts";
import { isVisible } from "../domain/status.ts";
import { parseVersion } from "../domain/versions.ts";
import type { Executor } from "../ports/database.ts";
import type { Original } from "./original.ts";
import type { ImportRemark, RemarkKind } from "./report.ts";

/** Everything that is worth knowing of the original's rows as they were brought up to date. */
export async function remarkOn({ database, before }: Original): Promise<ImportRemark[]> {
  const db = database.reader;
  const [roles, ratings] = [await count(db, "PackageMaintainers"), await count(db, "PackageRatings")];
  const remarks = [
    numbered("tokens_void", before.tokens),
    ...(await onUsers(db)),
    ...(await onPackages(db)),
    ...(await onVersions(db)),
    numbered("roles_folded", before.roles - roles),
    numbered("ratings_folded", before.ratings - ratings),
  ];
  return remarks.filter((remark) => remark.count > 0);
}

/** A remark on things that have names. */
function named(about: RemarkKind, names: string[]): ImportRemark {
  return { about, count: names.length, names };
}

/** A remark on things that are only counted. */
export function numbered(about: RemarkKind, count: number): ImportRemark {
  return { about, count, names: [] };
}

async function onUsers(db: Executor): Promise<ImportRemark[]> {
  const columns = ["username", "username_key", "email_key", "password_hash"] as const;
  const users = await db.selectFrom("Users").select(columns).orderBy("id").execute();
  const names = (test: (user: (typeof users)[number]) => boolean) => users.filter(test).map(({ username }) => username);
  return [
    named(
      "passwords_unusable",
      names(({ password_hash }) => !/^\$(2[aby]|argon2)/.test(password_hash)),
    ),
    named(
      "users_alike",
      names(({ username_key }) => username_key === null),
    ),
    named(
      "emails_alike",
      names(({ email_key }) => email_key === null),
    ),
    named(
      "users_irregular",
      names(({ username }) => breaks(() => parseUsername(username))),
    ),
  ];
}

async function onPackages(db: Executor): Promise<ImportRemark[]> {
  const packages = await db.selectFrom("Packages").select(["name", "name_key"]).orderBy("id").execute();
  const alike = packages.filter(({ name_key }) => name_key === null);
  const irregular = packages.filter(({ name }) => breaks(() => parsePackageName(name)));
  return [
    named(
      "packages_alike",
      alike.map(({ name }) => name),
    ),
    named(
      "packages_irregular",
      irregular.map(({ name }) => name),
    ),
  ];
}

async function onVersions(db: Executor): Promise<ImportRemark[]> {
  const query = db
    .selectFrom("Versions as v")
    .innerJoin("Packages as p", "p.id", "v.package_id")
    .select(["p.name", "v.version", "v.version_key", "v.status"]);
  const rows = (await query.orderBy("v.id").execute()).map((row) => ({ ...row, text: `${row.name}@${row.version}` }));
  const visible = rows.filter(({ status }) => isVisible(status));
  const shown = new Set(visible.map(({ text }) => text));
  const [irregular, alike]: [string[], string[]] = [[], []];
  for (const { text, version, version_key } of visible) {
    if (version_key === null) (breaks(() => parseVersion(version)) ? irregular : alike).push(text);
  }
  const expired = rows.filter(({ status }) => status === "expired").map(({ text }) => text);
  return [
    named("versions_irregular", irregular),
    named("versions_alike", alike),
    named(
      "versions_repeated",
      expired.filter((text) => shown.has(text)),
    ),
    named(
      "versions_unpublished",
      expired.filter((text) => !shown.has(text)),
    ),
  ];
}

function breaks(parse: () => unknown): boolean {
  try {
    parse();
    return false;
  } catch {
    return true;
  }
}

async function count(db: Executor, table: "PackageMaintainers" | "PackageRatings"): Promise<number> {
  const query = db.selectFrom(table).select(({ fn }) => fn.countAll().as("count"));
  return Number((await query.executeTakeFirst())?.count ?? 0);
}
