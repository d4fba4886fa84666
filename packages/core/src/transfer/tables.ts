import { indexPackage } from "../db/package-index.ts";
import type { Database } from "../ports/database.ts";
import { requireUnused } from "./begin.ts";
import {
  type CopiedTable,
  deleteRow,
  fitted,
  insertRows,
  keyText,
  type Row,
  readKeys,
  readRows,
  rowText,
  updateRow,
} from "./rows.ts";

/** A copy from one database to another, and who follows it. */
export interface RowCopy {
  from: Database;
  to: Database;
  /** Whether no earlier run or pass can have brought rows: then one that is there already is somebody else's. */
  isFirst: boolean;
  signal: AbortSignal | undefined;
  /** Told after every batch how many more rows are done. */
  onRows(rows: number): void;
}

/** Removes what an earlier run has copied and the source has no more, children before parents. */
export async function removeGone(copy: RowCopy, tables: readonly CopiedTable[]): Promise<void> {
  for (const table of tables.toReversed()) {
    let after: Row | null = null;
    for (;;) {
      copy.signal?.throwIfAborted();
      const keys: Row[] = await readKeys(copy.to.reader, table, { after, limit: 1000 });
      const through = keys.at(-1);
      if (through === undefined) break;
      const kept = await readKeys(copy.from.reader, table, { after, through });
      const known = new Set(kept.map((row) => keyText(table, row)));
      const gone = keys.filter((row) => !known.has(keyText(table, row)));
      if (gone.length > 0) {
        await copy.to.write(async (tx) => {
          await requireUnused(copy.from, tx);
          for (const row of gone) await deleteRow(tx, table, row);
        });
      }
      after = through;
    }
  }
}

/**
 * Brings a table of the target to what the source holds, batch by batch in the order of its key. Each batch is a transaction that
 * may be repeated at will: it adds what is missing and changes what differs.
 * @throws Error when the target is used meanwhile
 */
export async function copyTable(copy: RowCopy, table: CopiedTable): Promise<void> {
  let after: Row | null = null;
  for (;;) {
    copy.signal?.throwIfAborted();
    const rows: Row[] = await readRows(copy.from.reader, table, { after, limit: table.batchRows });
    const through = rows.at(-1);
    if (through === undefined) return;
    await writeBatch(copy, table, { rows, after, through }).catch((error: unknown) => {
      throw new Error(`${table.table}: rows up to ${keyText(table, through)} were not taken`, { cause: error });
    });
    copy.onRows(rows.length);
    after = through;
  }
}

interface Batch {
  rows: readonly Row[];
  after: Row | null;
  through: Row;
}

async function writeBatch(copy: RowCopy, table: CopiedTable, { rows, after, through }: Batch): Promise<void> {
  await copy.to.write(async (tx) => {
    // With every batch: a server that is started too early writes over nothing of the copy, nor the copy over its rows.
    await requireUnused(copy.from, tx);
    const there = await readRows(tx, table, { after, through });
    if (copy.isFirst && there.length > 0) throw new Error("The target has been used since the copy began");
    const known = new Map(there.map((row) => [keyText(table, row), rowText(table, row)]));
    const wanted = await fitted(tx, table, rows);
    const missing = wanted.filter((row) => !known.has(keyText(table, row)));
    await insertRows(tx, table, missing);
    for (const row of wanted) {
      const before = known.get(keyText(table, row));
      if (before !== undefined && before !== rowText(table, row)) await updateRow(tx, table, row);
    }
  });
}

/** Packages that are indexed in one transaction. */
const indexedPackages = 50;

/** Makes the target's search index anew. */
export async function indexPackages({ to, signal }: Pick<RowCopy, "to" | "signal">): Promise<void> {
  let after = 0;
  for (;;) {
    signal?.throwIfAborted();
    const query = to.reader.selectFrom("Packages").select(["id", "latest_version_id"]).where("id", ">", after);
    const packages = await query.orderBy("id").limit(indexedPackages).execute();
    const last = packages.at(-1);
    if (last === undefined) return;
    await to.write(async (tx) => {
      for (const { id, latest_version_id } of packages) await indexPackage(tx, id, latest_version_id !== null);
    });
    after = last.id;
  }
}
