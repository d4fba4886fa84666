import { sql } from "kysely";
import type { Json, JsonMap } from "../domain/manifest.ts";
import type { Executor, Tx } from "../ports/database.ts";
import { engineOf } from "./engine.ts";
import { numberValue, prepared, preparedChange } from "./prepared.ts";

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
      where l.package_id = ${numberValue(packageId)} order by n.name`,
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

const removeLinks = { providers: linksRemoved("providers"), tags: linksRemoved("tags") };

function linksRemoved(kind: LabelKind) {
  const { links } = labelSql(kind);
  return preparedChange<{ packageId: number }>(
    (_, { packageId }) => sql`delete from ${links} where package_id = ${packageId}`,
  );
}

const addLink = { providers: linkAdded("providers"), tags: linkAdded("tags") };

function linkAdded(kind: LabelKind) {
  const { links, key } = labelSql(kind);
  return preparedChange<{ packageId: number; id: number }>(
    (_, { packageId, id }) => sql`insert into ${links} (package_id, ${key}) values (${packageId}, ${id})`,
  );
}

/** Replaces a package's labels of one kind. */
export async function replaceLabels(
  tx: Tx,
  kind: LabelKind,
  { packageId, names }: { packageId: number; names: readonly string[] },
): Promise<void> {
  await removeLinks[kind](tx, { packageId });
  // In one order for all packages, so that two that bring the same new names never wait for each other crosswise.
  for (const name of names.toSorted()) await addLink[kind](tx, { packageId, id: await labelId(tx, kind, name) });
}

const selectId = { providers: idOf("providers"), tags: idOf("tags") };

function idOf(kind: LabelKind) {
  const { names } = labelSql(kind);
  return prepared<{ name: string }, { id: number }>((_, { name }) => sql`select id from ${names} where name = ${name}`);
}

/** The id of a label's name, which is added when no package has had it yet. */
async function labelId(tx: Tx, kind: LabelKind, name: string): Promise<number> {
  const { names } = labelSql(kind);
  const [known] = await selectId[kind](tx, { name });
  if (known !== undefined) return known.id;
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

const removeItems = {
  services: itemsRemoved("services"),
  commands: itemsRemoved("commands"),
  properties: itemsRemoved("properties"),
};

function itemsRemoved(kind: MapKind) {
  const { table } = mapSql(kind);
  return preparedChange<{ packageId: number }>(
    (_, { packageId }) => sql`delete from ${table} where package_id = ${packageId}`,
  );
}

const addItem = {
  services: itemAdded("services"),
  commands: itemAdded("commands"),
  properties: itemAdded("properties"),
};

function itemAdded(kind: MapKind) {
  const { table, key, value } = mapSql(kind);
  return preparedChange<{ packageId: number; name: string; item: string }>(
    (_, { packageId, name, item }) =>
      sql`insert into ${table} (package_id, ${key}, ${value}) values (${packageId}, ${name}, ${item})`,
  );
}

/** Replaces a package's set of one kind; values are stored as JSON text. */
export async function replaceMap(
  tx: Tx,
  kind: MapKind,
  { packageId, map }: { packageId: number; map: JsonMap },
): Promise<void> {
  await removeItems[kind](tx, { packageId });
  for (const [name, item] of Object.entries(map)) {
    await addItem[kind](tx, { packageId, name, item: JSON.stringify(item) });
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
