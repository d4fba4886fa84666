import { randomBytes } from "node:crypto";
import { createRegistry, type Database } from "@serverless-registry/core";
import { memoryStorage } from "@serverless-registry/core/memory";

/** What became of a database. */
export interface Preparation {
  /** What it is called. */
  name: string;
  outcome: "made" | "updated" | "taken_over" | "up_to_date";
  /** Changes that were made. */
  migrations: string[];
  rows: { users: number; packages: number; versions: number };
}

/** The same, and how a server is told of it. */
export interface Prepared extends Preparation {
  /** `DATABASE_URL`, without the password; null when a server that is told nothing finds it. */
  databaseUrl: string | null;
}

/** Makes the tables of a database or brings them up to date, and closes it. `name` is what it is called. */
export async function prepareDatabase(database: Database, name: string): Promise<Preparation> {
  // Changing tables needs no secret, and nothing is sealed with this one.
  const serverSecret = randomBytes(32).toString("hex");
  const registry = createRegistry({ database, storage: memoryStorage(), serverSecret });
  try {
    const before = await tablesOf(database);
    const migrations = await registry.migrate();
    return { name, outcome: outcomeOf(before, migrations), migrations, rows: await countRows(database) };
  } finally {
    await registry.close();
  }
}

async function tablesOf(database: Database): Promise<string[]> {
  const tables = await database.reader.introspection.getTables({ withInternalKyselyTables: true });
  return tables.map(({ name }) => name);
}

function outcomeOf(tables: readonly string[], migrations: readonly string[]): Preparation["outcome"] {
  if (migrations.length === 0) return "up_to_date";
  if (tables.includes("kysely_migration")) return "updated";
  return tables.includes("Users") ? "taken_over" : "made";
}

async function countRows({ reader }: Database): Promise<Preparation["rows"]> {
  const count = async (table: "Users" | "Packages" | "Versions") => {
    const query = reader.selectFrom(table).select((eb) => eb.fn.countAll<number>().as("rows"));
    return Number((await query.executeTakeFirstOrThrow()).rows);
  };
  return { users: await count("Users"), packages: await count("Packages"), versions: await count("Versions") };
}

/** What became of a database, in words. */
export function describePreparation({ name, outcome, migrations, rows }: Preparation): string[] {
  const counts = Object.entries(rows).map(([what, count]) => `${count} ${what}`);
  const sentences = {
    made: `Made ${name}.`,
    updated: `Brought ${name} up to date: ${counts.join(", ")}.`,
    taken_over: `Took over the original's database ${name}: ${counts.join(", ")}.`,
    up_to_date: `${name} is up to date: ${counts.join(", ")}.`,
  };
  return [sentences[outcome], ...migrations.map((migration) => `  ${migration}`)];
}
