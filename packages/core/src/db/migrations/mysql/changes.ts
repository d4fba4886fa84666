import type { FoundTable, TableSpec } from "./schema.ts";

/** A name in SQL. */
export function quoted(name: string): string {
  return `\`${name}\``;
}

/** Makes a whole table, if it is not there; left out is what refers to tables that are not in `known`. */
export function createTable(name: string, spec: TableSpec, options: { collation: string; known: readonly string[] }) {
  const { columns, primary, keys = {}, checks = {} } = spec;
  const parts = [
    ...Object.entries(columns).map(([column, definition]) => `${quoted(column)} ${definition}`),
    ...(primary === undefined ? [] : [`PRIMARY KEY ${list(primary)}`]),
    ...Object.entries(keys).map(keyPart),
    ...Object.entries(checks).map(checkPart),
    ...missingReferences(name, spec, undefined).flatMap(({ target, part }) =>
      options.known.includes(target) || target === name ? [part] : [],
    ),
  ];
  return `CREATE TABLE IF NOT EXISTS ${quoted(name)} (${parts.join(", ")})
    ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE ${options.collation}`;
}

/** Adds what a table lacks: columns, keys, references. Null when it lacks nothing. */
export function completeTable(name: string, spec: TableSpec, found: FoundTable | undefined): string | null {
  const { columns, primary, keys = {} } = spec;
  const parts = [
    ...Object.entries(columns)
      .filter(([column]) => !found?.columns.has(column))
      .map(([column, definition]) => `ADD COLUMN ${quoted(column)} ${definition}`),
    ...(primary === undefined || found?.keys.has("PRIMARY") ? [] : [`ADD PRIMARY KEY ${list(primary)}`]),
    ...Object.entries(keys)
      .filter(([key, text]) => !hasKey(found, key, text))
      .map((entry) => `ADD ${keyPart(entry)}`),
    ...missingReferences(name, spec, found).map(({ part }) => `ADD ${part}`),
  ];
  return parts.length === 0 ? null : `ALTER TABLE ${quoted(name)} ${parts.join(", ")}`;
}

/** Gives the columns of a table that somebody else has made their definitions, its texts their collation. */
export function convertTable(name: string, spec: TableSpec, found: FoundTable, collation: string): string {
  const definitions = Object.entries(spec.columns).map(([column, definition]) => {
    const text = definition.replace(
      /^(VARCHAR\(\d+\)|(?:MEDIUM)?TEXT)/,
      `$1 CHARACTER SET utf8mb4 COLLATE ${collation}`,
    );
    return found.columns.has(column)
      ? `MODIFY COLUMN ${quoted(column)} ${text.replace(/ INVISIBLE| PRIMARY KEY/g, "")}`
      : `ADD COLUMN ${quoted(column)} ${text}`;
  });
  const options = `ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4 COLLATE ${collation}`;
  return `ALTER TABLE ${quoted(name)} ${[...definitions, options].join(", ")}`;
}

/** Takes foreign keys away that are not of our making: they would hold the columns' types. Null when there are none. */
export function dropForeignKeys(name: string, spec: TableSpec, found: FoundTable): string | null {
  const own = Object.keys(spec.references ?? {}).map((column) => referenceName(name, column));
  const strange = [...found.foreignKeys].filter((key) => !own.includes(key));
  if (strange.length === 0) return null;
  return `ALTER TABLE ${quoted(name)} ${strange.map((key) => `DROP FOREIGN KEY ${quoted(key)}`).join(", ")}`;
}

/** Adds a condition to a table. */
export function addCheck(name: string, entry: [name: string, condition: string]): string {
  return `ALTER TABLE ${quoted(name)} ADD ${checkPart(entry)}`;
}

function missingReferences(name: string, { references = {} }: TableSpec, found: FoundTable | undefined) {
  return Object.entries(references)
    .map(([column, text]) => {
      const [target = "", ...rest] = text.split(" ");
      const key = referenceName(name, column);
      const part = `CONSTRAINT ${quoted(key)} FOREIGN KEY (${quoted(column)}) REFERENCES ${quoted(target)}(id)`;
      return { key, target, part: [part, ...rest].join(" ") };
    })
    .filter(({ key }) => !found?.foreignKeys.has(key));
}

function referenceName(table: string, column: string): string {
  return `${table}_${column}_reference`;
}

/** Keys that must be unique count under any name; the others under their own. */
function hasKey(found: FoundTable | undefined, name: string, text: string): boolean {
  if (found?.keys.has(name)) return true;
  if (!text.startsWith("unique ")) return false;
  const columns = text.slice("unique ".length);
  return [...(found?.keys.values() ?? [])].some((key) => key.isUnique && key.columns.join(", ") === columns);
}

function keyPart([name, text]: [string, string]): string {
  const isUnique = text.startsWith("unique ");
  return `${isUnique ? "UNIQUE KEY" : "KEY"} ${quoted(name)} ${list(text.replace("unique ", "").split(", "))}`;
}

function checkPart([name, condition]: [string, string]): string {
  return `CONSTRAINT ${quoted(name)} CHECK (${condition})`;
}

function list(columns: readonly string[]): string {
  return `(${columns.map((column) => column.replace(/^\w+/, quoted)).join(", ")})`;
}
