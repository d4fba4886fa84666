import type { Kysely } from "kysely";
import { createTable } from "./changes.ts";
import { change, findCollation, type TableSpec } from "./schema.ts";

const name = "VARCHAR(64)";
const time = "DATETIME(3)";

const tables: Readonly<Record<string, TableSpec>> = {
  Events: {
    columns: {
      id: "BIGINT NOT NULL AUTO_INCREMENT",
      event_id: `${name} NOT NULL`,
      type: `${name} NOT NULL`,
      body: "MEDIUMTEXT NOT NULL",
      created_at: `${time} NOT NULL`,
    },
    primary: ["id"],
    keys: { Events_event: "unique event_id" },
  },
  EventDeliveries: {
    columns: {
      sequence: "BIGINT NOT NULL",
      target: `${name} NOT NULL`,
      queue: `${name} NOT NULL`,
      state: "VARCHAR(32) NOT NULL DEFAULT 'waiting'",
      attempts: "INT NOT NULL DEFAULT 0",
      last_error: "TEXT NULL",
      settled_at: `${time} NULL`,
    },
    primary: ["sequence", "target"],
    keys: {
      EventDeliveries_queue: "target, queue, state, sequence",
      EventDeliveries_state: "target, state, sequence",
      EventDeliveries_settled: "state, settled_at",
    },
    references: { sequence: "Events" },
  },
  EventQueues: {
    columns: {
      target: `${name} NOT NULL`,
      queue: `${name} NOT NULL`,
      changes: "BIGINT NOT NULL DEFAULT 1",
      next_attempt_at: "BIGINT NOT NULL",
      lease: `${name} NULL`,
    },
    primary: ["target", "queue"],
    keys: { EventQueues_due: "target, next_attempt_at" },
  },
};

/** What is to be told to the host's listeners and webhooks, on MySQL. */
export async function addEventsOnMysql(db: Kysely<unknown>): Promise<void> {
  const collation = await findCollation(db);
  const known = ["Events"];
  for (const [table, spec] of Object.entries(tables)) await change(db, createTable(table, spec, { collation, known }));
}
