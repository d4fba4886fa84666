import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Prepared, prepareDatabase } from "./init-database.ts";
import { messageOf } from "./reasons.ts";

/** The server's own file. */
export const defaultPath = "./data/serverless_registry.db";

/**
 * Makes the file and its folder where they are missing, then the tables in it.
 * @throws Error with what to do
 */
export async function initializeSqlite(path: string): Promise<Prepared> {
  if (path === "" || path === ":memory:") throw new Error("--path: name a file");
  const file = resolve(path);
  const { sqlite } = await import("@serverless-registry/core/sqlite");
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const open = () => {
    try {
      return sqlite({ path });
    } catch (error) {
      throw new Error(`${path}: ${messageOf(error)}`, { cause: error });
    }
  };
  const preparation = await prepareDatabase(open(), file);
  return { ...preparation, databaseUrl: file === resolve(defaultPath) ? null : `sqlite:${path}` };
}
