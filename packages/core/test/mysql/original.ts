import { createConnection } from "mysql2/promise";
import type { TestDatabase } from "../../../../scripts/test/mysql.ts";
import { originalRows } from "../db/original.ts";
import { originalSchema } from "../db/original-schema.ts";

/** The original's tables in the types that MySQL asks for: a text that is unique or has a default cannot be TEXT. */
const schema = originalSchema
  .replaceAll("AUTOINCREMENT", "AUTO_INCREMENT")
  .replaceAll("TEXT UNIQUE", "VARCHAR(120) UNIQUE")
  .replace(/TEXT (CHECK\(.*\)) NOT NULL/, "VARCHAR(20) NOT NULL $1")
  .replaceAll("TEXT DEFAULT", "VARCHAR(20) DEFAULT");

/** How the original's database may have been made. */
export interface OriginalOptions {
  /** What its texts are compared by; default by their bytes, so that the whole fixture fits in. */
  collation?: string;
  engine?: "InnoDB" | "MyISAM";
  /** Default: those of the fixture. */
  rows?: Readonly<Record<string, readonly Readonly<Record<string, string | number | null>>[]>>;
}

/** Fills an empty database with the original's tables and rows. Rows that refer to nothing are let in. */
export async function makeOriginal(place: TestDatabase, options: OriginalOptions = {}): Promise<void> {
  const { collation = "utf8mb4_bin", engine = "InnoDB", rows = originalRows } = options;
  const connection = await createConnection({ uri: place.uri });
  try {
    await connection.query(
      "SET SESSION foreign_key_checks = 0, time_zone = '+00:00', explicit_defaults_for_timestamp = 1",
    );
    await connection.query(`ALTER DATABASE ${place.name} COLLATE ${collation}`);
    await connection.query(`SET SESSION default_storage_engine = ${engine}`);
    for (const statement of schema.split(";\n").filter((text) => text.trim() !== "")) await connection.query(statement);
    for (const [table, tableRows] of Object.entries(rows)) {
      for (const row of tableRows) await connection.query(`INSERT INTO ${table} SET ?`, [row]);
    }
  } finally {
    await connection.end();
  }
}
