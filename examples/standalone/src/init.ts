import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { createRegistry, type Database } from "@serverless-registry/core";
import { memoryStorage } from "@serverless-registry/core/memory";
import { sqlite } from "@serverless-registry/core/sqlite";

const DEFAULT_PATH = "./data/serverless_registry.db";

const help = `Makes the registry's database, or brings an older one up to date. Running it again changes nothing.
The server does the same when it starts.

  npm run init -- --type sqlite --path serverless_registry.db

  --type   sqlite, the default and the only kind this build has
  --path   file of the database, made when missing, its folder too; default ${DEFAULT_PATH}, which is the server's

A database of the original project is taken over in place: all rows stay, its users sign in with their passwords, its
sign-in tokens end. Stop the original first, and keep a copy of the file.
`;

try {
  await run();
} catch (error) {
  console.error(`Nothing was changed: ${messageOf(error)}`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: "boolean", short: "h" },
      type: { type: "string", default: "sqlite" },
      path: { type: "string", default: DEFAULT_PATH },
      // Known so that whoever follows the original's words for MySQL gets a plain answer.
      ...{ host: { type: "string" }, user: { type: "string" }, password: { type: "string" } },
      database: { type: "string" },
    },
  });
  if (values.help) return void process.stdout.write(help);
  if (values.type === "mysql") throw new Error("--type mysql: this build has SQLite only; use --type sqlite");
  if (values.type !== "sqlite") throw new Error(`--type ${values.type}: there is no such kind; use --type sqlite`);
  const extra = (["host", "user", "password", "database"] as const).find((name) => values[name] !== undefined);
  if (extra !== undefined) throw new Error(`--${extra} is not for SQLite, which needs --path only`);
  await initialize(values.path);
}

async function initialize(path: string): Promise<void> {
  if (path === "" || path === ":memory:") throw new Error("--path: name a file");
  await mkdir(dirname(resolve(path)), { recursive: true, mode: 0o700 });
  const database = open(path);
  const registry = createRegistry({ database, storage: memoryStorage() });
  try {
    const before = await tablesOf(database);
    const done = await registry.migrate();
    report({ path, before, done, rows: await countRows(database) });
  } finally {
    await registry.close();
  }
}

function open(path: string): Database {
  try {
    return sqlite({ path });
  } catch (error) {
    throw new Error(`${path}: ${messageOf(error)}`, { cause: error });
  }
}

async function tablesOf(database: Database): Promise<string[]> {
  const tables = await database.reader.introspection.getTables({ withInternalKyselyTables: true });
  return tables.map(({ name }) => name);
}

async function countRows({ reader }: Database): Promise<string> {
  const counts = [];
  for (const table of ["Users", "Packages", "Versions"] as const) {
    const query = reader.selectFrom(table).select((eb) => eb.fn.countAll<number>().as("rows"));
    const { rows } = await query.executeTakeFirstOrThrow();
    counts.push(`${rows} ${table.toLowerCase()}`);
  }
  return counts.join(", ");
}

interface Outcome {
  path: string;
  /** Tables that were there before. */
  before: string[];
  /** Migrations that were made. */
  done: string[];
  rows: string;
}

function report({ path, before, done, rows }: Outcome): void {
  const file = resolve(path);
  if (done.length === 0) console.log(`${file} is up to date: ${rows}.`);
  else if (before.includes("kysely_migration")) console.log(`Brought ${file} up to date: ${rows}.`);
  else if (before.includes("Users")) console.log(`Took over the original's database ${file}: ${rows}.`);
  else console.log(`Made ${file}.`);
  for (const name of done) console.log(`  ${name}`);
  const isDefault = file === resolve(DEFAULT_PATH);
  console.log(`Start the server with: ${isDefault ? "" : `DATABASE_URL=sqlite:${path} `}npm start`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
