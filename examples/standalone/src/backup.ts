import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  type BackupOptions,
  type BackupReport,
  backupRegistry,
  type RegistryParts,
} from "@serverless-registry/core/transfer";
import { openDatabase, openStorage } from "./backends.ts";
import type { Config } from "./config.ts";
import { describeArchives } from "./move-registry.ts";
import { noteRestore } from "./restored.ts";
import type { DatabaseTarget, StorageTarget } from "./targets.ts";

/** Who follows a backup. */
export type BackupWatch = Pick<BackupOptions, "signal" | "onProgress" | "verify">;

/** Where a registry is. */
type Place = Pick<Config, "database" | "storage">;

/** A backup is a folder like the one that a server makes by itself. */
function placeIn(folder: string): { database: DatabaseTarget & { kind: "sqlite" }; storage: StorageTarget } {
  return {
    database: { kind: "sqlite", path: join(folder, "serverless_registry.db") },
    storage: { kind: "files", root: join(folder, "packages") },
  };
}

/**
 * Keeps the registry that the configuration names in a folder, while its servers go on; the secret that a server made too.
 * @throws Error with what to do
 */
export async function backUp(config: Place, folder: string, watch: BackupWatch): Promise<BackupReport> {
  const database = sqliteOf(config, "serverless-registry copy copies a registry on MySQL");
  if (!existsSync(database.path))
    throw new Error(`there is no database ${database.path}; DATABASE_URL says where it is`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Before the database has its name: without it, API keys and seals of the database are worth nothing.
  await copySecret(dirname(database.path), folder);
  return copyParts({ database, storage: config.storage }, placeIn(folder), watch);
}

/**
 * Puts a backup where the configuration says. No registry may be there yet; where archives are, no sweep takes any that the backup does not
 * know before somebody has looked.
 * @throws Error with what to do
 */
export async function putBack(config: Place, folder: string, watch: BackupWatch): Promise<BackupReport> {
  const from = placeIn(folder);
  if (!existsSync(from.database.path)) throw new Error(`${folder} is no backup: there is no ${from.database.path}`);
  const database = sqliteOf(config, "serverless-registry copy copies a backup to MySQL");
  if (existsSync(database.path)) throw new Error(`there is a database already: ${database.path}; move it away first`);
  await mkdir(dirname(database.path), { recursive: true, mode: 0o700 });
  await requireNoOtherSecret(folder, dirname(database.path));
  // First, so that a server which starts too early makes no other.
  await copySecret(folder, dirname(database.path));
  // Before the database has its name: a server may be started on it at once.
  const there = await (await openStorage(config)).list(null, 1);
  if (there.length > 0) await noteRestore(config);
  return copyParts(from, { database, storage: config.storage }, { ...watch, verify: true });
}

/** What came of it, in words. */
export function describeBackup(report: BackupReport): string[] {
  const lines = describeArchives(report.archives);
  return [...lines, report.isComplete ? "Complete." : "NOT complete: the archives above are missing in it."];
}

function sqliteOf({ database }: Place, otherwise: string): DatabaseTarget & { kind: "sqlite" } {
  if (database.kind !== "sqlite") throw new Error(`this is for databases of SQLite; ${otherwise}`);
  return database;
}

async function copyParts(
  from: Place,
  to: { database: { path: string }; storage: StorageTarget },
  watch: BackupWatch,
): Promise<BackupReport> {
  const parts: RegistryParts = { storage: await openStorage(from), database: await openDatabase(from) };
  try {
    const target = { path: to.database.path, storage: await openStorage(to) };
    return await backupRegistry({ ...watch, from: parts, to: target });
  } finally {
    await parts.database.close();
  }
}

const secretName = "server-secret";

/** The secret of a database that was moved away may have stayed behind, and be the only one. */
async function requireNoOtherSecret(from: string, to: string): Promise<void> {
  const [kept, there] = await Promise.all(
    [from, to].map((folder) => readFile(join(folder, secretName), "utf8").catch(() => null)),
  );
  if (there !== null && there !== kept) throw new Error(`there is another ${secretName} in ${to}; move it away first`);
}

/** Takes its place only when it is whole and durable. */
async function copySecret(from: string, to: string): Promise<void> {
  const secret = await readFile(join(from, secretName), "utf8").catch(() => null);
  if (secret === null) return;
  const next = join(to, `${secretName}.next`);
  await writeFile(next, secret, { mode: 0o600, flush: true });
  await rename(next, join(to, secretName));
}
