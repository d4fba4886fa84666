import type { Executor } from "../ports/database.ts";
import type { LeftOut } from "./report.ts";

/** Users, packages and versions of the original that the registry does not have: they came after its rows were brought. */
export async function listAbsent(original: Executor, registry: Executor): Promise<LeftOut[]> {
  const lists = [usersOf, packagesOf, versionsOf];
  const absent: string[] = [];
  for (const list of lists) {
    const there = new Set(await list(registry));
    absent.push(...(await list(original)).filter((name) => !there.has(name)));
  }
  return absent.map((what) => ({ why: "absent", what }));
}

async function usersOf(db: Executor): Promise<string[]> {
  const users = await db.selectFrom("Users").select("username").orderBy("id").execute();
  return users.map(({ username }) => username);
}

async function packagesOf(db: Executor): Promise<string[]> {
  const packages = await db.selectFrom("Packages").select("name").orderBy("id").execute();
  return packages.map(({ name }) => name);
}

async function versionsOf(db: Executor): Promise<string[]> {
  const query = db.selectFrom("Versions as v").innerJoin("Packages as p", "p.id", "v.package_id");
  const versions = await query.select(["p.name", "v.version"]).orderBy("v.id").execute();
  return versions.map(({ name, version }) => `${name}@${version}`);
}
