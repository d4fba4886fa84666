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
  /** 1 when a newer upload for the same version replaced this one, or it was cancelled. */
  closed: Defaulted<number>;
}

/** An archive that is stored. */
export interface BlobsTable {
  sha256: string;
  size: number;
  /** `live`, or `doomed` once a sweep has decided to delete it. */
  state: string;
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
