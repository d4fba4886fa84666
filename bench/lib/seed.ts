import { createHash } from "node:crypto";
import { createRegistry, type Tx } from "@serverless-registry/core";
import { memoryStorage } from "@serverless-registry/core/memory";
import { sqlite } from "@serverless-registry/core/sqlite";
import { sql } from "kysely";
import { foldName } from "../../packages/core/src/domain/names.ts";
import { indexTerms } from "../../packages/core/src/domain/search-terms.ts";
import { parseVersion, versionKey } from "../../packages/core/src/domain/versions.ts";

/** How much a seeded database holds. */
export interface SeedSize {
  packages: number;
  /** Versions of the first package; the others have one each. */
  firstVersions: number;
}

const batchRows = 500;
const time = "2025-11-20 08:00:00.000";
const ownerName = "bench-owner";

/** Password of the user who owns every seeded package. */
export const ownerPassword = "bench-password-1";
export { ownerName };

/** Name of the n-th seeded package. */
export function packageName(at: number): string {
  return `component-${String(at).padStart(7, "0")}`;
}

/** Words for searches: in every package, in each tenth, in each ten-thousandth, and two Chinese characters in each hundredth. */
export const searchWords = { all: "serverless", tenth: "thumbnail", rare: "zeppelin", chinese: "图片" } as const;

/** Fills a new SQLite database with packages by writing its rows; archives are not there. */
export async function seed(path: string, { packages, firstVersions }: SeedSize): Promise<void> {
  const database = sqlite({ path, durability: "normal" });
  const registry = createRegistry({ database, storage: memoryStorage() });
  await registry.migrate();
  await registry.users.register({}, { username: ownerName, password: ownerPassword, email: "owner@example.com" });
  for (let from = 1; from <= packages; from += batchRows) {
    const ids = Array.from({ length: Math.min(batchRows, packages - from + 1) }, (_, at) => from + at);
    await database.write((tx) => seedBatch(tx, ids));
  }
  await database.write((tx) => seedVersions(tx, packages, firstVersions));
  await registry.close();
}

async function seedBatch(tx: Tx, ids: readonly number[]): Promise<void> {
  await tx
    .insertInto("Packages")
    .values(
      ids.map((id) => ({
        ...{ id, name: packageName(id), name_key: foldName(packageName(id)), type: "component", visibility: "public" },
        ...{ description: describe(id), create_time: time, update_time: time },
        downloads_count: Math.floor(1e6 / id),
      })),
    )
    .execute();
  await tx
    .insertInto("Versions")
    .values(ids.map((id) => versionRow(id, id, "1.2.3")))
    .execute();
  await tx
    .updateTable("Packages")
    .set({ latest_version_id: sql`id` })
    .where("id", "in", [...ids])
    .execute();
  await tx
    .insertInto("PackageMaintainers")
    .values(ids.map((id) => ({ package_id: id, user_id: 1, role: "owner" })))
    .execute();
  const terms = ids.map((id) => sql`(${id}, ${indexTerms(`${packageName(id)} ${describe(id)}`).join(" ")})`);
  await sql`insert into PackageSearch(rowid, terms) values ${sql.join(terms)}`.execute(tx);
}

/** Older versions of the first package, so that its latest one stays what it is. */
async function seedVersions(tx: Tx, packages: number, firstVersions: number): Promise<void> {
  const rows = Array.from({ length: firstVersions - 1 }, (_, at) => versionRow(packages + at + 1, 1, `1.1.${at}`));
  if (rows.length > 0) await tx.insertInto("Versions").values(rows).execute();
}

function versionRow(id: number, packageId: number, version: string) {
  const manifest = { providers: ["aliyun"], tags: ["image", "storage"], services: { oss: "write" }, properties: {} };
  return {
    ...{ id, package_id: packageId, version, version_key: versionKey(parseVersion(version)), prerelease: 0 },
    ...{ edition: "3.0.0", description: describe(packageId), status: "active", grayscale: 1 },
    ...{ created_at: time, published_at: time, published_by: 1, size: 100_000 },
    sha256: createHash("sha256").update(`${id}`).digest("hex"),
    readme: `# ${packageName(packageId)}\n\nTurns events into work done.`,
    manifest: JSON.stringify(manifest),
  };
}

function describe(id: number): string {
  const words = [`A ${searchWords.all} component number ${id}`];
  if (id % 10 === 0) words.push(`for ${searchWords.tenth} images`);
  if (id % 100 === 0) words.push(`处理${searchWords.chinese}的组件`);
  if (id % 10_000 === 1) words.push(`flown by ${searchWords.rare}`);
  return words.join(" ");
}
