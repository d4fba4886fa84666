import { randomUUID } from "node:crypto";
import { type CompiledQuery, type KyselyPlugin, sql } from "kysely";
import { onTestFinished } from "vitest";
import type { Actor } from "../../src/context.ts";
import { openQueues } from "../../src/db/event-queues.ts";
import { insertEvent } from "../../src/db/events.ts";
import { toRowTime } from "../../src/domain/times.ts";
import type { Database } from "../../src/ports/database.ts";
import type { EventOptions, RegistryEvent } from "../../src/ports/events.ts";
import type { StandingClock } from "../../src/testing/clock.ts";
import { type TestRegistry, testRegistry } from "../../src/testing/registry.ts";

/** Opens one and the same database again and again. Each is closed with the test. */
export type OpenDatabase = () => Promise<Database>;

/** A registry on a database, with these listeners or webhooks. */
export async function instance(
  database: Database,
  events: EventOptions,
  options: { clock?: StandingClock } = {},
): Promise<TestRegistry> {
  const one = await testRegistry({ database, events, ...options });
  onTestFinished(() => one.cleanup());
  return one;
}

/** What a listener heard, in short. */
export function inShort({ type, package: name, version }: RegistryEvent): string {
  return [type, name, version].filter((part) => part !== null).join(" ");
}

/** Publishes version after version of each package, one package after the other within each version. */
export async function publishAll(
  { publish }: TestRegistry,
  owner: Actor,
  { packages, versions }: { packages: readonly string[]; versions: readonly string[] },
): Promise<void> {
  for (const version of versions) {
    for (const name of packages) await publish(owner, { package: name, version });
  }
}

/** How many rows each of the tables of events has. */
export async function countRows(database: Database): Promise<{ events: number; deliveries: number; queues: number }> {
  const count = async (table: string) => {
    const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(database.reader);
    return Number(rows[0]?.n);
  };
  return {
    events: await count("Events"),
    deliveries: await count("EventDeliveries"),
    queues: await count("EventQueues"),
  };
}

/** A database that counts the statements of its transactions. */
export function counting(database: Database): { database: Database; statements(): number } {
  let statements = 0;
  const counter: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      statements += 1;
      return result;
    },
  };
  const counted: Database = {
    ...database,
    reader: database.reader,
    select: <Row>(query: CompiledQuery<Row>) => database.select(query),
    write: (work) => database.write((tx) => work(tx.withPlugin(counter))),
  };
  return { database: counted, statements: () => statements };
}

/** Puts events into a queue as a change would. */
export async function wait(
  database: Database,
  { target, queue, rows, at = 0 }: { target: string; queue: string; rows: number; at?: number },
): Promise<void> {
  await database.write(async (tx) => {
    await openQueues(tx, { queue, targets: [target], now: at });
    for (let row = 0; row < rows; row += 1) {
      const id = randomUUID();
      const event = { event_id: id, type: "release.yank", body: JSON.stringify({ id }), created_at: toRowTime(at) };
      await insertEvent(tx, event, { queue, targets: [target] });
    }
  });
}

/** A database with which something comes in between before its first transaction. */
export function beforeFirstWrite(database: Database, comesBetween: () => Promise<void>): Database {
  let isFirst = true;
  return {
    ...database,
    reader: database.reader,
    select: <Row>(query: CompiledQuery<Row>) => database.select(query),
    async write(work) {
      if (isFirst) await comesBetween();
      isFirst = false;
      return database.write(work);
    },
  };
}

/** Numbers of the events, in order; they have gaps where a server counts in steps. */
export async function sequences(database: Database): Promise<number[]> {
  const rows = await database.reader.selectFrom("Events").select("id").orderBy("id").execute();
  return rows.map((row) => row.id);
}
