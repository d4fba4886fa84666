import { type Kysely, sql } from "kysely";

/** What is to be told to the host's listeners and webhooks: events, to whom each goes, and in which order. */
export async function addEvents(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `CREATE TABLE Events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
  )`,
  `CREATE TABLE EventDeliveries (
    sequence INTEGER NOT NULL REFERENCES Events(id),
    target TEXT NOT NULL,
    queue TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    settled_at TIMESTAMP,
    PRIMARY KEY (sequence, target)
  ) WITHOUT ROWID`,
  `CREATE TABLE EventQueues (
    target TEXT NOT NULL,
    queue TEXT NOT NULL,
    changes INTEGER NOT NULL DEFAULT 1,
    next_attempt_at INTEGER NOT NULL,
    lease TEXT,
    PRIMARY KEY (target, queue)
  ) WITHOUT ROWID`,
  "CREATE UNIQUE INDEX Events_event ON Events(event_id)",
  "CREATE INDEX EventDeliveries_queue ON EventDeliveries(target, queue, state, sequence)",
  "CREATE INDEX EventDeliveries_state ON EventDeliveries(target, state, sequence)",
  "CREATE INDEX EventDeliveries_settled ON EventDeliveries(state, settled_at)",
  "CREATE INDEX EventQueues_due ON EventQueues(target, next_attempt_at)",
];
