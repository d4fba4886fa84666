import type { TestDatabase } from "../../../../scripts/test/mysql.ts";

type Row = Record<string, string | number | null>;

/** The schema of a database for people to read, the same whichever server it lies on. */
export async function schemaText({ run }: TestDatabase): Promise<string> {
  const rows = async (columns: string, table: string, rest = "") =>
    (await run(
      `SELECT ${columns} FROM information_schema.${table} WHERE ${table}.table_schema = database() AND ${table}.table_name NOT LIKE 'kysely%' ${rest}`,
    )) as Row[];
  const columns = await rows(
    `table_name AS tbl, column_name AS name, column_type AS type, is_nullable AS nullable, column_default AS fallback,
      extra AS extra, collation_name AS collation`,
    "columns",
    "ORDER BY table_name, ordinal_position",
  );
  const keys = await rows(
    "table_name AS tbl, index_name AS name, non_unique AS loose, column_name AS col, collation AS direction",
    "statistics",
    "ORDER BY table_name, index_name, seq_in_index",
  );
  const references = await rows(
    `table_name AS tbl, column_name AS col, referenced_table_name AS target, (
      SELECT r.delete_rule FROM information_schema.referential_constraints r
      WHERE r.constraint_schema = database() AND r.constraint_name = key_column_usage.constraint_name
    ) AS deletion`,
    "key_column_usage",
    "AND referenced_table_name IS NOT NULL ORDER BY table_name, column_name",
  );
  const checks = await rows(
    "table_name AS tbl, constraint_name AS name",
    "table_constraints",
    "AND constraint_type = 'CHECK' ORDER BY 1, 2",
  );
  const tables = [...Map.groupBy(columns, (row) => String(row.tbl))].sort(([a], [b]) => (a < b ? -1 : 1));
  return `${tables
    .map(([name, own]) =>
      [
        name,
        ...own.map((row) => `  ${columnText(row)}`),
        ...keyTexts(keys.filter((row) => row.tbl === name)),
        ...references.filter((row) => row.tbl === name).map((row) => `  ${referenceText(row)}`),
        ...checks.filter((row) => row.tbl === name).map((row) => `  check ${row.name}`),
      ].join("\n"),
    )
    .join("\n\n")}\n`;
}

function columnText({ name, type, nullable, fallback, extra, collation }: Row): string {
  const plainFallback = String(fallback ?? "NULL").replace(/^'(.*)'$/, "$1");
  const parts = [
    `${name} ${String(type).replace(/int\(\d+\)/, "int")}`,
    collation === null ? "" : /^utf8mb4_(0900|nopad)_bin$/.test(String(collation)) ? "by bytes" : String(collation),
    nullable === "NO" ? "not null" : "",
    plainFallback === "NULL" ? "" : `default ${plainFallback.toLowerCase()}`,
    ...(String(extra)
      .toLowerCase()
      .match(/auto_increment|invisible/g) ?? []),
  ];
  return parts.filter((part) => part !== "").join(" ");
}

function keyTexts(rows: readonly Row[]): string[] {
  return [...Map.groupBy(rows, (row) => String(row.name))]
    .map(([name, parts]) => {
      const columns = parts.map(({ col, direction }) => (direction === "D" ? `${col} desc` : col)).join(", ");
      return `  ${Number(parts[0]?.loose) === 0 ? "unique " : ""}key ${name} (${columns})`;
    })
    .sort();
}

function referenceText({ col, target, deletion }: Row): string {
  return `${col} -> ${target}${deletion === "SET NULL" ? " on delete set null" : ""}`;
}
