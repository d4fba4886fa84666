import { createHash } from "node:crypto";
import { deleteNoncesIfExpired, insertNonces } from "../db/nonces.ts";
import { type Clock, systemClock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { NonceStore } from "../ports/nonce-store.ts";
import { everyNth, removeExpiredNonces } from "./expired.ts";

/** Each cleaning removes up to 500 rows, and so many claims add fewer. */
const claimsPerCleaning = 100;

/**
 * Keeps claims in the registry's database, for any number of instances that share it; a restart forgets none. It always
 * remembers, so it never refuses for the sake of `sinceMs`. Who brings back an older copy of a database, or lets a replica
 * take over that lags behind, lets half a minute pass before signed requests are served.
 */
export function databaseNonces(database: Database, clock: Clock = systemClock): NonceStore {
  const clean = everyNth(claimsPerCleaning, () => removeExpiredNonces(database, clock.now()));

  async function insert(hashes: readonly string[], terms: { now: number; ttlMs: number; replace: boolean }) {
    const { now, ttlMs, replace } = terms;
    try {
      return await database.write(async (tx) => {
        if (replace) await deleteNoncesIfExpired(tx, hashes, now);
        await insertNonces(tx, hashes, now + Math.ceil(ttlMs));
        return true;
      });
    } catch (error) {
      if (database.isUniqueViolation(error)) return false;
      throw error;
    }
  }

  return {
    async claim(values, { ttlMs }) {
      const now = clock.now();
      // One order for all: two claims of the same values never wait for each other crosswise.
      const hashes = [...new Set(values)].map((value) => createHash("sha256").update(value).digest("hex")).sort();
      if (hashes.length === 0) return true;
      // Nearly all values are new. Only where a row is in the way it is asked whether its time is over.
      const granted =
        (await insert(hashes, { now, ttlMs, replace: false })) || (await insert(hashes, { now, ttlMs, replace: true }));
      await clean();
      return granted;
    },
  };
}
