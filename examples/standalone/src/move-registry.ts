import { existsSync } from "node:fs";
import { resolve } from "node:path";
import {
  type CopyOptions,
  type CopyReport,
  copyRegistry,
  type RegistryParts,
} from "@serverless-registry/core/transfer";
import { databaseReason, openDatabase, openStorage } from "./backends.ts";
import { bytesText } from "./move-progress.ts";
import { messageOf } from "./reasons.ts";
import type { Rule } from "./rules.ts";
import { type DatabaseTarget, databaseUrl, type StorageTarget, storageUrl } from "./targets.ts";

const sides = ["from", "to"] as const;
type Side = (typeof sides)[number];

/** One side, as the options name it. */
export interface Place {
  side: Side;
  database: DatabaseTarget;
  storage: StorageTarget;
}

/** What the command line says; what it does not is taken from the environment. */
export type MoveArguments = { readonly [Name in `${Side}-${"database" | "storage"}`]?: string | undefined };

/**
 * Source and target, from options like `--from-database` or variables like `FROM_DATABASE_URL`.
 * @throws Error with what to do
 */
export function readPlaces(
  given: MoveArguments,
  env: Readonly<Record<string, string | undefined>>,
): { from: Place; to: Place } {
  const read = <T>(side: Side, part: "database" | "storage", rule: Rule<T>): T => {
    const variable = `${side}_${part}_url`.toUpperCase();
    const text = given[`${side}-${part}`] ?? env[variable];
    if (text === undefined) throw new Error(`--${side}-${part} or ${variable} is needed; --help says more`);
    const result = rule.parse(text);
    // May hold a password, so it is not repeated.
    if ("reason" in result) throw new Error(`--${side}-${part}: ${result.reason}. Allowed: ${rule.allowed}`);
    return result.value;
  };
  const place = (side: Side): Place => ({
    side,
    database: read(side, "database", databaseUrl),
    storage: read(side, "storage", storageUrl),
  });
  return { from: place("from"), to: place("to") };
}

/**
 * Copies a registry from one place to another.
 * @throws Error with what to do
 */
export async function moveRegistry(
  fromPlace: Place,
  toPlace: Place,
  watch: Pick<CopyOptions, "signal" | "onProgress">,
): Promise<CopyReport> {
  requireThere(fromPlace);
  const isOneDatabase = identity(fromPlace.database) === identity(toPlace.database);
  const isOneStorage = identity(fromPlace.storage) === identity(toPlace.storage);
  if (isOneDatabase && isOneStorage) throw new Error("Source and target are the same");
  const from = await openPlace(fromPlace);
  try {
    const to: RegistryParts = {
      database: isOneDatabase ? from.database : await openDatabaseOf(toPlace),
      storage: isOneStorage ? from.storage : await openStorageOf(toPlace),
    };
    try {
      return await copyRegistry({ from, to, ...watch });
    } catch (error) {
      if (watch.signal?.aborted) throw error;
      // Either side may have failed by now, and errors do not say which.
      throw new Error(`Copying ended: ${messageOf(error)}`, { cause: error });
    } finally {
      if (!isOneDatabase) await to.database.close();
    }
  } finally {
    await from.database.close();
  }
}

/** What came of it, in words. */
export function describeCopy({ isComplete, tables, archives }: CopyReport): string[] {
  const lines: string[] = [];
  for (const { table, rows, leftOut, isSame } of tables) {
    const rest = leftOut === 0 ? "" : `; ${leftOut} left out, they belong to nothing`;
    lines.push(`${table.padEnd(20)} ${rows} rows, ${isSame ? "the same on both sides" : "NOT the same"}${rest}`);
  }
  lines.push(...describeArchives(archives));
  if (isComplete) lines.push("Complete. The search index of the target is built.");
  else lines.push("NOT complete. If the source was in use meanwhile, stop it and run the same command again.");
  return lines;
}

/** What became of the archives, in words. */
export function describeArchives({ copied, present, bytes, problems }: CopyReport["archives"]): string[] {
  const sum = `Archives: ${copied} copied, ${present} there already, ${bytesText(bytes)} in all, checked by digest.`;
  const missing = problems.map(
    ({ digest, what, versions }) =>
      `NOT copied: ${digest}, ${what.replaceAll("_", " ")}; needed by ${versions.join(", ")}`,
  );
  return [sum, ...missing];
}

/** A source that is made when missing would hide a slip of the keyboard. */
function requireThere({ database, storage }: Place): void {
  if (database.kind === "sqlite" && !existsSync(database.path))
    throw new Error(`--from-database: there is no file ${database.path}`);
  if (storage.kind === "files" && !existsSync(storage.root))
    throw new Error(`--from-storage: there is no folder ${storage.root}`);
}

function identity(target: DatabaseTarget | StorageTarget): string {
  if (target.kind === "sqlite") return resolve(target.path);
  return JSON.stringify(target.kind === "files" ? resolve(target.root) : target);
}

async function openPlace(place: Place): Promise<RegistryParts> {
  return { storage: await openStorageOf(place), database: await openDatabaseOf(place) };
}

async function openDatabaseOf(place: Place): Promise<RegistryParts["database"]> {
  const database = await openDatabase(place);
  try {
    // Tried now, so that what is wrong is told of the right side.
    await database.reader.introspection.getTables();
  } catch (error) {
    await database.close();
    const reason = databaseReason(error, place).replaceAll("DATABASE_URL", `--${place.side}-database`);
    throw new Error(`--${place.side}-database: ${reason}`, { cause: error });
  }
  return database;
}

async function openStorageOf(place: Place): Promise<RegistryParts["storage"]> {
  try {
    return await openStorage(place);
  } catch (error) {
    throw new Error(messageOf(error).replaceAll("STORAGE_URL", `--${place.side}-storage`), { cause: error });
  }
}
