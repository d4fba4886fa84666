import type { Executor } from "../ports/database.ts";

/** A version that readers see and that has no archive. */
export interface ArchiveLess {
  id: number;
  packageId: number;
  package: string;
  version: string;
  status: string;
  yankReason: string | null;
  readme: string | null;
  createdAt: string;
}

const batchSize = 20;

/** Every such version in the order of their ids, some at a time; while they are walked through, those that were given may change. */
export async function* batchesOfArchiveLess(db: Executor): AsyncGenerator<ArchiveLess[]> {
  for (let after = 0; ; ) {
    const versions = await listArchiveLess(db, after, batchSize);
    const last = versions.at(-1);
    if (last === undefined) return;
    yield versions;
    after = last.id;
  }
}

async function listArchiveLess(db: Executor, after: number, limit: number): Promise<ArchiveLess[]> {
  return db
    .selectFrom("Versions as v")
    .innerJoin("Packages as p", "p.id", "v.package_id")
    .select([
      ...(["v.id", "p.id as packageId", "p.name as package", "v.version", "v.status", "v.readme"] as const),
      ...(["v.yank_reason as yankReason", "v.created_at as createdAt"] as const),
    ])
    .where("v.sha256", "is", null)
    .where("v.status", "in", ["active", "yanked"])
    .where("v.id", ">", after)
    .orderBy("v.id")
    .limit(limit)
    .execute();
}
