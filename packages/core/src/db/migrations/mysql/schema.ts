import { type Kysely, sql } from "kysely";

/** A table as it should be. */
export interface TableSpec {
  /** Definitions by column, in order. */
  columns: Readonly<Record<string, string>>;
  /** Columns of the primary key. */
  primary?: readonly string[];
  /** Keys by name: columns, or `unique` and columns. */
  keys?: Readonly<Record<string, string>>;
  /** Conditions by name. */
  checks?: Readonly<Record<string, string>>;
  /** What columns refer to: a table, and what happens on its rows' deletion where that is not a refusal. */
  references?: Readonly<Record<string, string>>;
}

/** A table as it is. */
export interface FoundTable {
  collation: string;
  columns: ReadonlySet<string>;
  /** Columns by name of the key, and whether they are unique. */
  keys: ReadonlyMap<string, { columns: readonly string[]; isUnique: boolean }>;
  foreignKeys: ReadonlySet<string>;
  checks: ReadonlySet<string>;
}

/** The tables of a database, by their names in lower case: some servers keep names so. */
export type FoundSchema = ReadonlyMap<string, FoundTable>;

/** What is in the database now. */
export async function readSchema(db: Kysely<unknown>): Promise<FoundSchema> {
  const tables = await sql<{ name: string; collation: string }>`
    select table_name as name, table_collation as collation from information_schema.tables
    where table_schema = database() and table_type = 'BASE TABLE'`.execute(db);
  const columns = await sql<{ tbl: string; name: string }>`
    select table_name as tbl, column_name as name from information_schema.columns
    where table_schema = database()`.execute(db);
  const keys = await sql<{ tbl: string; name: string; col: string; loose: number }>`
    select table_name as tbl, index_name as name, column_name as col, non_unique as loose
    from information_schema.statistics where table_schema = database()
    order by table_name, index_name, seq_in_index`.execute(db);
  const constraints = await sql<{ tbl: string; name: string; kind: string }>`
    select table_name as tbl, constraint_name as name, constraint_type as kind
    from information_schema.table_constraints where table_schema = database()`.execute(db);
  return new Map(
    tables.rows.map(({ name, collation }) => {
      const own = <Row extends { tbl: string }>(rows: readonly Row[]) => rows.filter((row) => row.tbl === name);
      const named = (kind: string) => own(constraints.rows).flatMap((row) => (row.kind === kind ? [row.name] : []));
      const table: FoundTable = {
        collation,
        columns: new Set(own(columns.rows).map((row) => row.name)),
        keys: new Map(
          [...Map.groupBy(own(keys.rows), (row) => row.name)].map(([key, rows]) => [
            key,
            { columns: rows.map((row) => row.col), isUnique: Number(rows[0]?.loose) === 0 },
          ]),
        ),
        foreignKeys: new Set(named("FOREIGN KEY")),
        checks: new Set(named("CHECK")),
      };
      return [name.toLowerCase(), table];
    }),
  );
}

/** The collation by which texts are equal when every byte is, trailing blanks included. MySQL and MariaDB call it differently. */
export async function findCollation(db: Kysely<unknown>): Promise<string> {
  const { rows } = await sql<{ name: string }>`
    select collation_name as name from information_schema.collations
    where collation_name in ('utf8mb4_0900_bin', 'utf8mb4_nopad_bin') order by collation_name`.execute(db);
  const [found] = rows;
  if (found === undefined) throw new Error("The registry needs MySQL 8.0.23 or later, or MariaDB 10.6 or later");
  return found.name;
}

/**
 * Whether somebody else, on another node of a cluster, has done the same meanwhile: the table, column, key or constraint is
 * there already, or what was to go is gone. Locks by name hold on one node only.
 */
const alreadyDone: ReadonlySet<unknown> = new Set([1050, 1060, 1061, 1068, 1091, 1826, 3822]);

/** Runs one change of the schema. Each of them is all or nothing; done already is as good. */
export async function change(db: Kysely<unknown>, statement: string): Promise<void> {
  try {
    await sql.raw(statement).execute(db);
  } catch (error) {
    if (!(error instanceof Error && "errno" in error && alreadyDone.has(error.errno))) throw error;
  }
}

/**
 * Runs changes of the schema without checking that rows refer to rows that are there: a database of the original project may
 * hold some that do not, and they stay.
 */
export async function withoutForeignKeyChecks(db: Kysely<unknown>, work: () => Promise<void>): Promise<void> {
  await sql`set session foreign_key_checks = 0`.execute(db);
  try {
    await work();
  } finally {
    await sql`set session foreign_key_checks = 1`.execute(db);
  }
}
