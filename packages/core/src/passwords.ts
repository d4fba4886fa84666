import { availableParallelism } from "node:os";
import { bcryptMatches } from "./bcrypt.ts";
import { RegistryError } from "./errors.ts";
import { loopRest } from "./loop-rest.ts";
import type { PasswordHasher } from "./ports/password-hasher.ts";
import { semaphore } from "./semaphore.ts";

/** Settings of {@link argon2Passwords}. */
export interface PasswordOptions {
  /** Hashes computed at the same time; by default as many as leave one core to everything else, one at least and two at most. */
  maxConcurrent?: number;
  /** Callers that wait for their turn (default 64); more are refused. */
  maxQueued?: number;
  /** Memory of one hash in KiB (default 19456). */
  memoryKiB?: number;
  /** Passes over that memory (default 2). */
  passes?: number;
}

/** Longest password that is ever hashed, in bytes of UTF-8. */
const MAX_PASSWORD_BYTES = 1024;
const MAX_STORED_CHARACTERS = 512;

/** Above these a stored hash is not computed: whoever can write a row must not be able to stop the server. */
const MAX_MEMORY_KIB = 131_072;
const MAX_PASSES = 10;
const MAX_LANES = 8;
const MAX_BCRYPT_COST = 14;
const MIN_OUTPUT_BYTES = 16;

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** Loaded for the first password: the library takes 2 MiB for itself as soon as it is there, and a host may have users of its own. */
const argon2 = () => import("@node-rs/argon2");

const NO_MATCH = Object.freeze({ matches: false, outdated: false });

/**
 * Hashes passwords with argon2id, and still recognizes bcrypt hashes of older databases (as `outdated`), of which bcrypt
 * itself compares only the first 72 bytes of a password. Bounds how many hashes are computed at the same time.
 * A stored hash that cannot or must not be computed takes as long as a wrong password.
 * Passwords over 1024 bytes or with unpaired surrogates are never hashed: `hash` rejects, `verify` finds no match.
 * @throws overloaded more callers wait than `maxQueued`
 * @throws invalid_password `hash` only
 */
export function argon2Passwords(options: PasswordOptions = {}): PasswordHasher {
  return argon2PasswordsOn(availableParallelism(), options);
}

/** {@link argon2Passwords} on so many processors. */
export function argon2PasswordsOn(processors: number, options: PasswordOptions = {}): PasswordHasher {
  const {
    maxConcurrent = Math.max(1, Math.min(processors - 1, 2)),
    maxQueued = 64,
    memoryKiB = 19_456,
    passes = 2,
  } = options;
  const turns = semaphore({
    running: maxConcurrent,
    queued: maxQueued,
    ...(processors === 1 && { restMs: loopRest() }),
  });

  /** The parameters of an argon2 hash, or null when it must not be computed. */
  async function readArgon2(stored: string): Promise<{ outdated: boolean } | null> {
    if (stored.length > MAX_STORED_CHARACTERS) return null;
    const { parseOptions } = await argon2();
    try {
      const found = parseOptions(stored);
      const affordable =
        found.memoryCost <= Math.max(MAX_MEMORY_KIB, memoryKiB) &&
        found.timeCost <= Math.max(MAX_PASSES, passes) &&
        found.parallelism <= MAX_LANES;
      if (!affordable || found.outputLen < MIN_OUTPUT_BYTES) return null;
      const current = stored.startsWith("$argon2id$v=19$") && found.memoryCost >= memoryKiB && found.timeCost >= passes;
      return { outdated: !current };
    } catch {
      return null;
    }
  }

  async function compute(password: string): Promise<string> {
    const { hash } = await argon2();
    return hash(password, { memoryCost: memoryKiB, timeCost: passes, parallelism: 1 });
  }

  async function verifyArgon2(stored: string, password: string): Promise<{ matches: boolean; outdated: boolean }> {
    const found = await readArgon2(stored);
    if (found !== null) return judge((await argon2()).verify(stored, password), found.outdated);
    // Who tries a password must not see from the time that nothing was computed.
    await compute(password);
    return NO_MATCH;
  }

  return {
    load: () => turns.load(),

    async hash(password) {
      if (!isHashable(password)) {
        throw new RegistryError("invalid_password", { details: { maxBytes: MAX_PASSWORD_BYTES } });
      }
      return turns.run(() => compute(password));
    },

    async verify(stored, password) {
      if (!isHashable(password)) return NO_MATCH;
      const bcryptCost = BCRYPT.exec(stored)?.[1];
      if (bcryptCost !== undefined && isBcryptCost(Number(bcryptCost))) {
        return turns.run(() => judge(bcryptMatches(stored, password, Number(bcryptCost)), true));
      }
      return turns.run(() => verifyArgon2(stored, password));
    },
  };
}

function isBcryptCost(cost: number): boolean {
  return cost >= 4 && cost <= MAX_BCRYPT_COST;
}

function isHashable(password: string): boolean {
  // Unpaired surrogates all become the same replacement character, so that different passwords would be equal.
  return Buffer.byteLength(password) <= MAX_PASSWORD_BYTES && password.isWellFormed();
}

async function judge(
  comparison: Promise<boolean>,
  outdated: boolean,
): Promise<{ matches: boolean; outdated: boolean }> {
  try {
    return { matches: await comparison, outdated };
  } catch {
    // What parses may still be refused by the library (a bcrypt cost of 00, say): as good as any other foreign hash.
    return NO_MATCH;
  }
}
