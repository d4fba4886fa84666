import { type Kysely, sql } from "kysely";
import { change } from "./mysql/schema.ts";

/** Indexes by which a sweep finds what has had its time. */
export async function addExpiryIndexes(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

/** The same on MySQL, where each can be repeated. */
export async function addExpiryIndexesOnMysql(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await change(db, statement);
}

const statements = [
  "CREATE INDEX Uploads_waiting ON Uploads(completed_sha256, expires_at)",
  "CREATE INDEX Tokens_expired ON Tokens(expired_at)",
  "CREATE INDEX ApiKeys_expires ON ApiKeys(expires_at)",
];
