import { Readable } from "node:stream";
import { sql } from "kysely";
import { afterEach, expect } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { findKeyByMd5, findSigningKey } from "../../src/operations/steps/signing-keys.ts";
import { type RegistryOptions, toContext } from "../../src/options.ts";
import type { BlobStorage } from "../../src/ports/blob-storage.ts";
import type { Database } from "../../src/ports/database.ts";
import { type TestRegistry, type TestRegistryOptions, testRegistry } from "../../src/testing/registry.ts";

/** Makes registries for one test at a time; each is cleaned up after its test. */
export function registries(): (options?: TestRegistryOptions) => Promise<TestRegistry> {
  const made: TestRegistry[] = [];
  afterEach(async () => {
    for (const one of made.splice(0).reverse()) await one.cleanup();
  });
  return async (options) => {
    const one = await testRegistry(options);
    made.push(one);
    return one;
  };
}

/** Expects a failure with this code and, where given, these among its details. */
export async function refused(work: Promise<unknown>, code: ErrorCode, details?: object): Promise<void> {
  await expect(work).rejects.toMatchObject({ name: "RegistryError", code, ...(details && { details }) });
}

/** The rows that a SQL question gives. */
export async function rows<Row = Record<string, unknown>>(
  from: { database: Database },
  question: string,
): Promise<Row[]> {
  return (await sql.raw<Row>(question).execute(from.database.reader)).rows;
}

/** Changes rows behind the registry's back. */
export async function tamper(from: { database: Database }, statement: string): Promise<void> {
  await from.database.write(async (tx) => {
    await sql.raw(statement).execute(tx);
  });
}

/** Every row of every table, for comparing before and after. */
export async function dump(from: { database: Database }): Promise<Record<string, unknown[]>> {
  const tables = await rows<{ name: string }>(
    from,
    "select name from sqlite_master where type = 'table' and name not like 'PackageSearch%' order by name",
  );
  const all: Record<string, unknown[]> = {};
  for (const { name } of tables) all[name] = await rows(from, `select * from "${name}"`);
  return all;
}

/** Digests of everything a storage holds. */
export async function digests(storage: BlobStorage): Promise<string[]> {
  return (await storage.list(null, 1000)).map(({ digest }) => digest);
}

/** A body of these bytes, in pieces of `pieceBytes`. */
export function bodyOf(bytes: Buffer, pieceBytes = bytes.length || 1): Readable {
  const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, at) =>
    bytes.subarray(at * pieceBytes, (at + 1) * pieceBytes),
  );
  return Readable.from(pieces, { objectMode: false });
}

/** How the API key of a request is looked up in a registry's database. */
export function signingKeysOf({ database, storage, clock }: TestRegistry, options: Partial<RegistryOptions> = {}) {
  const ctx = toContext({ database, storage, clock, ...options });
  return {
    byKey: (presented: string) => findSigningKey(ctx, presented),
    byMd5: (md5: string) => findKeyByMd5(ctx, md5),
  };
}
