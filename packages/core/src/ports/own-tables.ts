import type { Generated } from "kysely";
import type { Defaulted, Optional } from "./columns.ts";

/** An archive that is expected, or came. */
export interface UploadsTable {
  /** SHA-256 of the upload id in hexadecimal. */
  id_hash: string;
  version_id: number;
  user_id: number;
  created_at: string;
  expires_at: string;
  /** Digest of the bytes that were accepted; null while the upload is open. */
  completed_sha256: Optional<string>;
  /** JSON of the last refusal's details. */
  refusal: Optional<string>;
  /** 1 when the archive was accepted, a newer upload for the same version replaced this one, or it was cancelled. */
  closed: Defaulted<number>;
}

/** An archive that is stored, is to be, or was. */
export interface BlobsTable {
  sha256: string;
  size: number;
  /** `live`; `doomed` once a sweep has decided to delete it; `gone` for a while after that. */
  state: string;
  /** When a version began to refer to it, it was about to, or its state changed. */
  touched_at: string;
}

/** An API key of a user. */
export interface ApiKeysTable {
  /** Public part of the key. */
  id: string;
  user_id: number;
  name: string;
  /** The whole key, sealed with a key derived from the server secret. */
  sealed: string;
  /** SHA-256 of the whole key in hexadecimal. */
  key_hash: string;
  /** SHA-256 of the key's MD5 in hexadecimal: clients of the Serverless Devs protocol name a key by its MD5. */
  md5_hash: string;
  /** JSON of what it is good for, see `Scopes`; null for everything its user may do. */
  scopes: Optional<string>;
  /** JSON array of networks it may be used from; null for any. */
  networks: Optional<string>;
  created_at: string;
  expires_at: Optional<string>;
  /** Coarse: written at most once in a while. */
  last_used_at: Optional<string>;
}

/** A link of the audit chain. */
export interface AuditSealsTable {
  id: Generated<number>;
  /** JSON array of `[row id, digest of the row]` in the order of the chain. */
  entries: string;
  /** Digest over the previous seal's `mac` and this seal, a dot, and the MAC of that digest. */
  mac: string;
  sealed_at: string;
}

/** Something that happened, while somebody is to be told, and for a while after. */
export interface EventsTable {
  /** In one queue later events have higher numbers. */
  id: Generated<number>;
  /** The id that listeners and webhooks see. */
  event_id: string;
  type: string;
  /** JSON of the whole event. */
  body: string;
  created_at: string;
}

/** An event for one target. */
export interface EventDeliveriesTable {
  /** The event's `id`. */
  sequence: number;
  /** Name of the listener or webhook. */
  target: string;
  /** Events of one target and queue are told one after the other. */
  queue: string;
  /** `waiting`, `delivered`, or `dead` when it was given up. */
  state: Defaulted<string>;
  /** Attempts that were begun. */
  attempts: Defaulted<number>;
  /** What came of the last attempt that failed. */
  last_error: Optional<string>;
  /** When it was delivered or given up. */
  settled_at: Optional<string>;
}

/** A target's queue in which something waits; the row is gone when nothing does. */
export interface EventQueuesTable {
  target: string;
  queue: string;
  /** Counts what was added, so that each addition changes the row. */
  changes: Defaulted<number>;
  /** Milliseconds since 1970. While somebody delivers: when their lease runs out. */
  next_attempt_at: number;
  /** Who delivers; null while nobody does. */
  lease: Optional<string>;
}
