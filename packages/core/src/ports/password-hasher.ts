import type { WorkLoad } from "./telemetry.ts";

/** Turns passwords into hashes that are safe to store. */
export interface PasswordHasher {
  /** Hashes a password with this hasher's current parameters. */
  hash(password: string): Promise<string>;
  /**
   * Compares a password with a stored hash. A hash that is malformed, of an unknown kind or of outrageous cost
   * resolves to `{ matches: false }`; it never rejects because of what is stored.
   * `outdated` says that the hash should be replaced after a successful sign-in.
   */
  verify(hash: string, password: string): Promise<{ matches: boolean; outdated: boolean }>;
  /** How many hashes are computed and wait at this moment. Left out: nobody can tell. */
  load?(): WorkLoad;
}
