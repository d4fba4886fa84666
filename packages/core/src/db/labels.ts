import { sql } from "kysely";
import type { Json, JsonMap } from "../domain/manifest.ts";
import type { Executor, Tx } from "../ports/database.ts";
import { engineOf } from "./engine.ts";
import { prepared } from "./prepared.ts";

/** Two pairs of tables of the same form: names, and which package has them. */
const labelTables = {
  providers: { names: "Providers", links: "PackageProviders", key: "provider_id" },
  tags: { names: "Tags", links: "PackageTags", key: "tag_id" },
} as const;

/** Which labels: clouds a package runs on, or tags. */
export type LabelKind = keyof typeof labelTables;

function labelSql(kind: LabelKind) {
  const { names, links, key } = labelTables[kind];
  return { names: sql.table(names), links: sql.table(links), key: sql.ref(key) };
}

const selectNames = { providers: namesOf("providers"), tags: namesOf("tags") };

function namesOf(kind: LabelKind) {
  const { names, links, key } = labelSql(kind);
  return prepared<{ packageId: number }, { name: string }>(
    (_, { packageId }) => sql`
      select n.name from ${names} n inner join ${links} l on l.${key} = n.id
      where l.package_id = ${packageId} order by n.name`,
  );
}

/** A package's labels of one kind, by name. */
export async function listLabelsOf(db: Executor, kind: LabelKind, packageId: number): Promise<string[]> {
  return (await selectNames[kind](db, { packageId })).map((row) => row.name);
}

/** Every label of a kind that a public package with a latest version has, and how many such packages have it. */
export async function listLabels(db: Executor, kind: LabelKind): Promise<{ name: string; packages: number }[]> {
  const { names, links, key } = labelSql(kind);
  const { rows } = await sql<{ name: string; packages: number }>`
    select n.name, count(*) as packages from ${names} n
    inner join ${links} l on l.${key} = n.id
    inner join Packages p on p.id = l.package_id
    where p.visibility = 'public' and p.latest_version_id is not null
    group by n.name order by n.name`.execute(db);
  return rows;
}

/** Replaces a package's labels of one kind. */
export async function replaceLabels(
  tx: Tx,
  kind: LabelKind,
  target: { packageId: number; names: readonly string[] },
): Promise<void> {
  const { links, key } = labelSql(kind);
  await sql`delete from ${links} where package_id = ${target.packageId}`.execute(tx);
  // In one order for all packages, so that two that bring the same new names never wait for each other crosswise.
  for (const name of target.names.toSorted()) {
    const id = await labelId(tx, kind, name);
    await sql`insert into ${links} (package_id, ${key}) values (${target.packageId}, ${id})`.execute(tx);
  }
}

/** The id of a label's name, which is added when no package has had it yet. */
async function labelId(tx: Tx, kind: LabelKind, name: string): Promise<number> {
  const { names } = labelSql(kind);
  const known = await sql<{ id: number }>`select id from ${names} where name = ${name}`.execute(tx);
  if (known.rows[0] !== undefined) return known.rows[0].id;
  // Another package may add it at the same moment; then this is the id it gets there.
  const insert = sql`insert into ${names} (name) values (${name})`;
  const onDuplicate = sql.raw(engineOf(tx) === "mysql" ? "on duplicate key update id = last_insert_id(id)" : "");
  return Number((await sql`${insert} ${onDuplicate}`.execute(tx)).insertId);
}

/** The three sets of named JSON values a package has. */
const mapTables = {
  services: { table: "Services", key: "service_name", value: "permissions" },
  commands: { table: "Commands", key: "command_name", value: "description" },
  properties: { table: "Properties", key: "property_name", value: "property_value" },
} as const;

/** Which set of named values. */
export type MapKind = keyof typeof mapTables;

function mapSql(kind: MapKind) {
  const { table, key, value } = mapTables[kind];
  return { table: sql.table(table), key: sql.ref(key), value: sql.ref(value) };
}

const selectItems = {
  services: itemsOf("services"),
  commands: itemsOf("commands"),
  properties: itemsOf("properties"),
};

function itemsOf(kind: MapKind) {
  const { table, key, value } = mapSql(kind);
  return prepared<{ packageId: number }, { name: string; item: string | null }>(
    (_, { packageId }) =>
      sql`select ${key} as name, ${value} as item from ${table} where package_id = ${packageId} order by id`,
  );
}

/** A package's set of one kind. Values of a taken-over database that are no JSON are plain text. */
export async function readMap(db: Executor, kind: MapKind, packageId: number): Promise<JsonMap> {
  const rows = await selectItems[kind](db, { packageId });
  const map: Record<string, Json> = Object.create(null);
  for (const { name, item } of rows) map[name] = parseStored(item);
  return map;
}

/** Replaces a package's set of one kind; values are stored as JSON text. */
export async function replaceMap(tx: Tx, kind: MapKind, target: { packageId: number; map: JsonMap }): Promise<void> {
  const { table, key, value } = mapSql(kind);
  await sql`delete from ${table} where package_id = ${target.packageId}`.execute(tx);
  for (const [name, item] of Object.entries(target.map)) {
    await sql`insert into ${table} (package_id, ${key}, ${value})
      values (${target.packageId}, ${name}, ${JSON.stringify(item)})`.execute(tx);
  }
}

function parseStored(text: string | null): Json {
  if (text === null) return null;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
