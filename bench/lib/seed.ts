import { createRegistry } from "@serverless-registry/core";
import { memoryStorage } from "@serverless-registry/core/memory";
import { sqlite } from "@serverless-registry/core/sqlite";
import SqliteFile from "better-sqlite3";
import { foldName } from "../../packages/core/src/domain/names.ts";
import { indexTerms } from "../../packages/core/src/domain/search-terms.ts";
import { parseVersion, versionKey } from "../../packages/core/src/domain/versions.ts";

/** How much a seeded database holds. */
export interface SeedSize {
  packages: number;
  /** Versions of the first package; the others have one each. */
  firstVersions: number;
}

const time = "2025-11-20 08:00:00.000";
const ownerName = "bench-owner";

/** Password of the user who owns every seeded package. */
export const ownerPassword = "bench-password-1";
export { ownerName };

/** Name of the n-th seeded package. */
export function packageName(at: number): string {
  return `component-${String(at).padStart(7, "0")}`;
}

/**
 * Words for searches: in every package, in each tenth, in each ten-thousandth, and two Chinese characters in each hundredth. No package
 * has both of `tenth` and `otherTenth`, nor both of the halves.
 */
export const searchWords = {
  ...{ all: "serverless", tenth: "thumbnail", rare: "zeppelin", chinese: "图片" },
  ...{ otherTenth: "invoice", half: "even", otherHalf: "odd" },
} as const;

/**
 * Fills a new SQLite database with packages by writing its rows; archives are not there. Rows are made by SQL over one list of
 * numbers, since a million calls from JavaScript take minutes; what the registry derives of a package is derived by its own functions.
 */
export async function seed(path: string, { packages, firstVersions }: SeedSize): Promise<void> {
  const file = new SqliteFile(path);
  const registry = createRegistry({ database: sqlite({ database: file }), storage: memoryStorage() });
  await registry.migrate();
  await registry.users.register({}, { username: ownerName, password: ownerPassword, email: "owner@example.com" });
  await registry.close();
  file.pragma("foreign_keys = off");
  file.pragma("synchronous = off");
  file.pragma("cache_size = -200000");
  file.function("described", { deterministic: true }, (id) => describe(Number(id)));
  file.function("folded", { deterministic: true }, (name) => foldName(String(name)));
  file.function("terms_of", { deterministic: true }, (text) => indexTerms(String(text)).join(" "));
  file.transaction(() => withoutIndexes(file, () => insertRows(file, packages, firstVersions)))();
  file.pragma("wal_checkpoint(truncate)");
  file.close();
}

/** Indexes are made faster from all rows than with each. */
function withoutIndexes(file: SqliteFile.Database, work: () => void): void {
  const query = "select name, sql from sqlite_schema where type = 'index' and sql is not null";
  const indexes = file.prepare(query).all() as { name: string; sql: string }[];
  for (const { name } of indexes) file.exec(`drop index ${name}`);
  work();
  for (const { sql } of indexes) file.exec(sql);
}

function insertRows(file: SqliteFile.Database, packages: number, firstVersions: number): void {
  const ids = (from: number, to: number) =>
    `(with recursive n(id) as (select ${from} union all select id + 1 from n where id < ${to}) select id from n)`;
  file.exec(`
    insert into Packages(id, name, name_key, type, description, create_time, update_time, downloads_count, latest_version_id)
    select id, name, folded(name), 'component', described(id), '${time}', '${time}', 1000000 / id, id
    from (select id, printf('component-%07d', id) as name from ${ids(1, packages)});
    insert into PackageMaintainers(package_id, user_id, role) select id, 1, 'owner' from Packages order by id;
    insert into PackageSearch(rowid, name, terms)
    select id, name, ' ' || terms_of(name || ' ' || description) || ' ' from Packages order by id;
    insert into PackageTerms(term, package_id) select distinct value, s.rowid
    from PackageSearch s, json_each('["' || replace(trim(s.terms), ' ', '","') || '"]') order by 1, 2;`);
  insertVersions(file, ids(1, packages), "id", "1.2.3");
  // Older versions of the first package, so that its latest one stays what it is.
  for (let at = 0; at < firstVersions - 1; at++)
    insertVersions(file, ids(packages + at + 1, packages + at + 1), "1", `1.1.${at}`);
}

function insertVersions(file: SqliteFile.Database, ids: string, packageId: string, version: string): void {
  const manifest = { providers: ["aliyun"], tags: ["image", "storage"], services: { oss: "write" }, properties: {} };
  file
    .prepare(
      `insert into Versions(id, package_id, version, version_key, edition, description, status, grayscale, created_at,
        published_at, published_by, size, sha256, readme, manifest)
      select id, ${packageId}, @version, @key, '3.0.0', described(${packageId}), 'active', 1, '${time}', '${time}', 1, 100000,
        lower(hex(randomblob(32))), printf('# component-%07d%s', ${packageId}, @text), @manifest from ${ids}`,
    )
    .run({
      ...{ version, key: versionKey(parseVersion(version)), manifest: JSON.stringify(manifest) },
      text: "\n\nTurns events into work done.",
    });
}

function describe(id: number): string {
  const words = [`A ${searchWords.all} component number ${id}`];
  words.push(id % 2 === 0 ? searchWords.half : searchWords.otherHalf);
  if (id % 10 === 0) words.push(`for ${searchWords.tenth} images`);
  if (id % 10 === 5) words.push(`for an ${searchWords.otherTenth}`);
  if (id % 100 === 0) words.push(`处理${searchWords.chinese}的组件`);
  if (id % 10_000 === 1) words.push(`flown by ${searchWords.rare}`);
  return words.join(" ");
}
