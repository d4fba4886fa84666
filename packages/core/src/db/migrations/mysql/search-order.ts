import type { Kysely } from "kysely";
import type { Tables } from "../../../ports/tables.ts";
import { indexAllPackages } from "../0006-search-order.ts";
import { completeTable } from "./changes.ts";
import { change, readSchema, type TableSpec } from "./schema.ts";

const additions: Readonly<Record<string, TableSpec>> = {
  Packages: {
    columns: {},
    keys: { Packages_order: "downloads_count DESC, name, visibility, latest_version_id" },
  },
  PackageSearch: {
    columns: { name: "VARCHAR(64) NOT NULL DEFAULT ''" },
    keys: { PackageSearch_name: "name" },
  },
};

/** The same on MySQL, whose tables of terms are there already. */
export async function orderSearchesOnMysql(db: Kysely<Tables>): Promise<void> {
  const schema = await readSchema(db as unknown as Kysely<unknown>);
  for (const [name, spec] of Object.entries(additions)) {
    const statement = completeTable(name, spec, schema.get(name.toLowerCase()));
    if (statement !== null) await change(db as unknown as Kysely<unknown>, statement);
  }
  await db.transaction().execute(indexAllPackages);
}
