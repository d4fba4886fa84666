import type { HttpOptions } from "../../http/index.ts";
import type { RegistryOptions } from "../../options.ts";
import type { BlobStorage } from "../../ports/blob-storage.ts";
import type { Database } from "../../ports/database.ts";
import type { Registry } from "../../registry.ts";
import type { StandingClock } from "../clock.ts";
import type { Answer } from "./answers.ts";
import type { Recorder } from "./recorder.ts";
import type { WatchedStorage } from "./watched-storage.ts";

/** An adapter under test, and how it is started. */
export interface HttpAdapter {
  /** Listens on a free port of this machine with the registry mounted at `mountPath` (empty: at the root). */
  start(registry: Registry, options: HttpOptions & { mountPath: string }, made: MadeOf): Promise<RunningAdapter>;
  /** Default: archives in memory. */
  createStorage?(): Promise<{ storage: BlobStorage; cleanup(): Promise<void> }>;
  /** Default: SQLite in a temporary file. The registry closes the database before `cleanup`. */
  createDatabase?(): Promise<{ database: Database; cleanup(): Promise<void> }>;
  /** Default: a clock of this process. */
  createClock?(): StandingClock;
}

/** What the registry under test was made of, for adapters whose servers are other processes: they make one that is alike. */
export interface MadeOf {
  clock: StandingClock;
  options: Omit<RegistryOptions, "database" | "storage" | "clock" | "logger" | "passwords">;
}

/** A server that listens. */
export interface RunningAdapter {
  /** Like `http://127.0.0.1:40123`. */
  origin: string;
  /** Writes what waits in the memory of servers that are other processes. */
  flush?(): Promise<void>;
  stop(): Promise<void>;
}

/** What each behaviour of the HTTP suite gets to work with. */
export interface HttpHarness {
  /** A registry of its own behind the adapter under test. */
  world(options?: WorldOptions): Promise<World>;
  readonly recorder: Recorder;
}

/** How a world differs from the usual one. */
export interface WorldOptions extends Partial<Omit<RegistryOptions, "database" | "storage" | "clock">> {
  http?: HttpOptions;
  /** Default `/registry`. */
  mountPath?: string;
  /** Puts something between the registry and its database. */
  wrapDatabase?(database: Database): Database;
  wrapStorage?(storage: BlobStorage): BlobStorage;
}

/** Somebody with an account who has signed in. */
export interface User {
  readonly name: string;
  readonly token: string;
}

/** What goes with a request. */
export interface Call {
  as?: User | string;
  json?: unknown;
  body?: Buffer | string | FormData | AsyncIterable<Buffer>;
  headers?: Readonly<Record<string, string>>;
}

/** A version to publish, in the contract's spelling, and the files of its archive. */
export interface Publication {
  name: string;
  version: string;
  files?: Readonly<Record<string, string | Buffer>>;
  readonly [field: string]: unknown;
}

/** A registry behind an adapter, and a client of it. */
export interface World {
  readonly registry: Registry;
  readonly clock: StandingClock;
  readonly storage: WatchedStorage;
  readonly origin: string;
  readonly mountPath: string;
  readonly publicUrl: string;
  /** What the registry logged as errors. A test that expects some takes them away. */
  readonly logged: { fields: object; message: string }[];
  /** Sends `"GET /search?search=x"` below the mount path by `fetch`; checks what holds for every answer. */
  send(request: string, call?: Call): Promise<Answer>;
  /** Like `send`, but exactly as written and over a connection of its own, for what `fetch` would tidy up. */
  sendRaw(request: string, call?: Call): Promise<Answer>;
  user(name: string): Promise<User>;
  admin(name: string): Promise<User>;
  /** Opens a version; the answer's `upload_id`. */
  open(owner: User, publication: Publication): Promise<string>;
  /** Opens a version and sends its archive; the archive's bytes. */
  publish(owner: User, publication: Publication): Promise<Buffer>;
  /** The path below the mount path of an address in an answer. */
  pathOf(url: unknown): string;
  close(): Promise<void>;
}
