import type { CompiledQuery, Kysely, Transaction } from "kysely";
import type { Tables } from "./tables.ts";

/** A query builder inside a transaction. Functions that must not run outside one ask for it by type. */
export type Tx = Transaction<Tables>;

/** A query builder, inside a transaction or not. */
export type Executor = Kysely<Tables>;

/** Which SQL the database speaks. */
export type Engine = "sqlite" | "mysql";

/** The relational database. Everything the registry knows but the archives' bytes lies here. */
export interface Database {
  readonly engine: Engine;
  /**
   * Reads outside a transaction. Sees committed data only, and what this process has committed at once. On MySQL, where
   * changes of the schema are no part of transactions, migrations run through it on one connection.
   */
  readonly reader: Executor;
  /** Runs a compiled read outside a transaction on a statement that is prepared once and kept. */
  select<Row>(query: CompiledQuery<Row>): Promise<Row[]>;
  /**
   * Runs `work` in one transaction: all of it is committed and durable when this resolves, or none of it happened.
   * A transaction that the engine gave up (deadlock, lock wait) is tried again a bounded number of times, so `work` must
   * touch nothing but `tx`. Calling `reader`, `select` or `write` inside `work` is a mistake: on some databases it waits for ever.
   */
  write<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** True when the error says that a unique key forbids the row. */
  isUniqueViolation(error: unknown): boolean;
  /** The registry error that an engine's error stands for (out of space, unreachable, busy), or null. */
  outage(error: unknown): "insufficient_storage" | "unavailable" | null;
  /**
   * A number that stays the same while nobody but this object commits changes, so that what was read may be kept.
   * Undefined when the engine cannot tell cheaply; then what was read is kept for at most a second.
   */
  foreignChanges(): number | undefined;
  /**
   * Copies the whole database as it is at one moment into the new file `path`, durably, while others read and write. Left out
   * where that is the business of the engine's own tools, or the database is in no file.
   */
  snapshot?(path: string, options: SnapshotOptions): Promise<void>;
  /** Releases connections that this object opened; those the host handed in stay open. */
  close(): Promise<void>;
}

/** Who follows a snapshot. */
export interface SnapshotOptions {
  /** Told how many bytes of how many are copied. */
  onBytes?: ((done: number, total: number) => void) | undefined;
  /** Ends the copy early; it rejects then. */
  signal?: AbortSignal | undefined;
}
