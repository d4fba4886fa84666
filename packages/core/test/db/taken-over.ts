import { copyFileSync } from "node:fs";
import { Readable } from "node:stream";
import SqliteFile from "better-sqlite3";
import { onTestFinished } from "vitest";
import type { Actor } from "../../src/context.ts";
import { memoryStorage } from "../../src/memory/index.ts";
import { argon2Passwords } from "../../src/passwords.ts";
import { createRegistry, type Registry } from "../../src/registry.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { testFile } from "../sqlite/files.ts";
import { makeOriginal } from "./original.ts";

/** The original's database, and a copy of it that was taken over and is open in a registry. */
export async function takenOver(): Promise<{ registry: Registry; before: string; after: string }> {
  const [before, after] = [await testFile(), await testFile()];
  makeOriginal(before);
  copyFileSync(before, after);
  const passwords = argon2Passwords({ memoryKiB: 8, passes: 1 });
  const database = sqlite({ path: after, durability: "normal" });
  const registry = createRegistry({ database, storage: memoryStorage(), passwords });
  onTestFinished(() => registry.close());
  await registry.migrate();
  return { registry, before, after };
}

/** Rows that a query finds in a database file. */
export function rowsIn(path: string, query: string): Record<string, unknown>[] {
  const file = new SqliteFile(path, { readonly: true });
  try {
    return file.prepare(query).all() as Record<string, unknown>[];
  } finally {
    file.close();
  }
}

/** Signs a user of the fixture in. */
export async function signIn(registry: Registry, username: string): Promise<Actor> {
  const { token } = await registry.sessions.login({}, { username, password: `pw of ${username}` });
  return registry.sessions.authenticate(token);
}

/** A small archive. */
export async function zipBody(): Promise<Readable> {
  return Readable.from([await zipOf({ "index.js": "// new" })]);
}
