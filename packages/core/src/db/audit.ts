import type { Selectable } from "kysely";
import type { Executor, Tx } from "../ports/database.ts";
import type { Tables } from "../ports/tables.ts";
import { preparedChange, rowOf } from "./prepared.ts";

const newColumns = ["user_id", "action", "details", "created_at", "package_id", "address", "request_id"] as const;

/** Columns of a line that is written. */
type NewAudit = Pick<Selectable<Tables["AuditLogs"]>, (typeof newColumns)[number]>;

const addLine = preparedChange<NewAudit>((db, row) => db.insertInto("AuditLogs").values(rowOf(row, newColumns)));

/** Writes one line of the audit log. */
export async function insertAudit(tx: Tx, row: NewAudit): Promise<void> {
  await addLine(tx, row);
}

/** One line of the audit log, as read. */
export interface AuditRow {
  id: number;
  username: string | null;
  action: string | null;
  details: string | null;
  created_at: string;
  package: string | null;
  address: string | null;
  request_id: string | null;
}

/** Lines of the audit log, newest first: of one package or of all, older than `before` where given. */
export async function listAudit(
  db: Executor,
  filter: { packageId?: number | undefined; before?: number | undefined; limit: number },
): Promise<AuditRow[]> {
  let query = db
    .selectFrom("AuditLogs as a")
    .leftJoin("Users as u", "u.id", "a.user_id")
    .leftJoin("Packages as p", "p.id", "a.package_id")
    .select([
      "a.id",
      "u.username",
      "a.action",
      "a.details",
      "a.created_at",
      "p.name as package",
      "a.address",
      "a.request_id",
    ])
    .orderBy("a.id", "desc")
    .limit(filter.limit);
  if (filter.packageId !== undefined) query = query.where("a.package_id", "=", filter.packageId);
  if (filter.before !== undefined) query = query.where("a.id", "<", filter.before);
  return query.execute();
}
