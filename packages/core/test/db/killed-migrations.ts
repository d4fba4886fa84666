import { migrationNames } from "../../src/db/migrations/index.ts";
import { runUntilKilled } from "../killed-process.ts";
import { releases } from "./released/unpack.ts";

/** How often each kind of database is killed in the middle of its migration. */
export const killRounds = Number(process.env.KILL_ROUNDS ?? 4);

/** The same seed kills at the same statements. */
export const killSeed = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 1e6));

/** Releases that have something to migrate. */
export const outdatedReleases = releases.filter((release) => migrationNames.some((name) => name.slice(0, 4) > release));

/** What a process did that migrated a database. */
export interface Migrated {
  done: string[];
  statements: number;
}

/** Runs a script that migrates a database; null when it was killed. */
export const migrateInProcess = (script: string, ...args: string[]) => runUntilKilled<Migrated>(script, args);

/** Where a round kills: one part of the migration's statements after the other, somewhere within each. */
export function killPoint(round: number, total: number): { killAt: number; moment: "before" | "after"; about: string } {
  const killAt = 1 + Math.floor(((round + fraction(killSeed + round)) * total) / killRounds);
  const moment = (killSeed + round) % 2 === 0 ? "before" : "after";
  return { killAt, moment, about: `seed ${killSeed}: killed ${moment} statement ${killAt} of ${total}` };
}

/** A number from 0 to 1 that looks random, the same for the same seed. */
function fraction(seed: number): number {
  return ((Math.imul(seed, 2_654_435_761) >>> 0) % 1000) / 1000;
}
