import { opendir } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import type { Executor } from "../ports/database.ts";

/** The original's folder of archives, and whose each file is. */
export interface ArchiveFiles {
  folder: string;
  /** Where a version's archive lies; null where there is none. */
  pathOf(file: string): string | null;
  /** Whether the name fits versions of more than one package. */
  isAmbiguous(file: string): boolean;
  /** Zip files that no version names: how many, and the first of them. */
  unclaimed: { count: number; names: string[] };
}

/** How many files that are no version's are named. */
const namedStrays = 1000;

/** What the original called a version's archive. */
export function fileNameOf(name: string, version: string): string {
  return `${name}-${version}.zip`;
}

/**
 * Reads the folder once and keeps the names that versions have: memory grows with the versions, not with what else lies there. Names from
 * the database are only ever compared with what lies there, never made into paths.
 * @throws Error with what to do when there is no such folder, or nothing in it fits
 */
export async function readArchiveFiles(folder: string, db: Executor): Promise<ArchiveFiles> {
  const claims = await listClaims(db);
  const there = new Set<string>();
  const unclaimed = { count: 0, names: [] as string[] };
  for await (const file of namesIn(folder)) {
    if (claims.has(file)) there.add(file);
    else if (file.endsWith(".zip")) {
      unclaimed.count += 1;
      if (unclaimed.names.length < namedStrays) unclaimed.names.push(file);
    }
  }
  if (claims.size > 0 && there.size === 0) {
    const [example] = claims.keys();
    throw new Error(`${folder} holds no archive of any version; they are named like ${example}`);
  }
  unclaimed.names.sort();
  return {
    ...{ folder, unclaimed },
    pathOf: (file) => (there.has(file) ? join(folder, file) : null),
    isAmbiguous: (file) => (claims.get(file) ?? 0) > 1,
  };
}

async function* namesIn(folder: string): AsyncGenerator<string> {
  try {
    for await (const { name } of await opendir(folder, { bufferSize: 512 })) yield name;
  } catch (cause) {
    throw new Error(`The folder ${folder} cannot be read`, { cause });
  }
}

/** How many packages have a version for each file name. */
async function listClaims(db: Executor): Promise<Map<string, number>> {
  const query = db
    .selectFrom("Versions as v")
    .innerJoin("Packages as p", "p.id", "v.package_id")
    .select(["p.name", "v.version"])
    .where("v.status", "in", ["active", "yanked"])
    .groupBy(["p.id", "p.name", "v.version"])
    .orderBy(sql`min(v.id)`);
  const claims = new Map<string, number>();
  for (const { name, version } of await query.execute()) {
    const file = fileNameOf(name, version);
    claims.set(file, (claims.get(file) ?? 0) + 1);
  }
  return claims;
}
