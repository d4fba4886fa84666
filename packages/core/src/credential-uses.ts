import { touchApiKey } from "./db/api-keys.ts";
import { touchToken } from "./db/tokens.ts";
import { toRowTime } from "./domain/times.ts";
import type { Clock } from "./ports/clock.ts";
import type { Database, Tx } from "./ports/database.ts";
import type { Logger } from "./ports/logger.ts";

/** A credential: the row of a token, or the public id of an API key. */
export type CredentialId = number | string;

/** Notes in memory when credentials were used, and writes that down now and then. */
export interface CredentialUses {
  /**
   * Notes a use. What was noted is written by the first use a minute after, which does not wait for it; a crash before that
   * loses it. Nothing is written twice in a minute.
   */
  note(id: CredentialId): void;
  /** The last use that was noted and not written yet, in milliseconds since 1970. */
  lastUse(id: CredentialId): number | undefined;
  /** Credentials whose last use is not written yet. */
  waiting(): number;
  /** Writes what was noted so far. What cannot be written is logged and forgotten: it is good to know, and no more. */
  flush(): Promise<void>;
}

const writeAfterMs = 60_000;
const maxNoted = 10_000;

/** Makes an empty {@link CredentialUses}. */
export function credentialUses(database: Database, clock: Clock, logger: Logger): CredentialUses {
  let noted = new Map<CredentialId, number>();
  let since = 0;
  let writing = Promise.resolve();

  async function writeAll(): Promise<void> {
    const uses = noted;
    noted = new Map();
    if (uses.size === 0) return;
    try {
      await database.write(async (tx) => {
        for (const [id, at] of uses) await touch(tx, id, toRowTime(at));
      });
    } catch (error) {
      logger.warn({ err: error }, "when credentials were used last was not written");
    }
  }

  function flush(): Promise<void> {
    writing = writing.then(writeAll);
    return writing;
  }

  return {
    note(id) {
      const now = clock.now();
      if (noted.size === 0) since = now;
      noted.set(id, now);
      if (now - since >= writeAfterMs || noted.size >= maxNoted) void flush();
    },
    lastUse: (id) => noted.get(id),
    waiting: () => noted.size,
    flush,
  };
}

function touch(tx: Tx, id: CredentialId, lastUsedAt: string): Promise<void> {
  return typeof id === "number" ? touchToken(tx, id, lastUsedAt) : touchApiKey(tx, id, lastUsedAt);
}
