import SqliteFile from "better-sqlite3";

interface Column {
  name: string;
  type: string;
  notnull: number;
  dflt_value: string | null;
  pk: number;
}

interface ForeignKey {
  from: string;
  table: string;
  to: string;
  on_delete: string;
}

/** The schema of a database file for people to read: tables with columns and references, then indexes. */
export function schemaText(path: string): string {
  const file = new SqliteFile(path, { readonly: true });
  try {
    const tables = file
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY name")
      .all() as { name: string; sql: string }[];
    const indexes = file
      .prepare("SELECT sql FROM sqlite_schema WHERE type NOT IN ('table') AND sql IS NOT NULL ORDER BY name")
      .all() as { sql: string }[];
    const lists = tables.map(({ name, sql }) => {
      const columns = file.pragma(`table_info(${name})`) as Column[];
      const keys = file.pragma(`foreign_key_list(${name})`) as ForeignKey[];
      const uniques = (file.pragma(`index_list(${name})`) as { name: string; origin: string }[])
        .filter(({ origin }) => origin === "u")
        .map((index) => file.prepare("SELECT name FROM pragma_index_info(?)").pluck().all(index.name))
        .map((names) => `  unique (${names.join(", ")})`);
      const lines = columns.map((column) => `  ${columnText(column, keys)}`);
      return [name, ...lines, ...uniques.sort(), ...constraints(sql)].join("\n");
    });
    return [...lists, indexes.map(({ sql }) => sql).join("\n"), ""].join("\n\n");
  } finally {
    file.close();
  }
}

function columnText({ name, type, notnull, dflt_value, pk }: Column, keys: readonly ForeignKey[]): string {
  const key = keys.find((one) => one.from === name);
  const parts = [
    `${name} ${type}`,
    pk > 0 ? "primary key" : "",
    notnull ? "not null" : "",
    dflt_value === null ? "" : `default ${dflt_value}`,
    key === undefined
      ? ""
      : `-> ${key.table}(${key.to})${key.on_delete === "NO ACTION" ? "" : ` on delete ${key.on_delete}`}`,
  ];
  return parts.filter((part) => part !== "").join(" ");
}

/** What stands in no pragma. */
function constraints(sql: string): string[] {
  const checks = [...sql.matchAll(/CHECK\s*\([^()]*(?:\([^()]*\))?[^()]*\)/gi)].map(([check]) => `  ${check}`);
  return [
    ...checks,
    ...(/AUTOINCREMENT/i.test(sql) ? ["  autoincrement"] : []),
    ...(/WITHOUT ROWID/i.test(sql) ? ["  without rowid"] : []),
  ];
}
