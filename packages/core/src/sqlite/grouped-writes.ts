import { setImmediate as nextTurn } from "node:timers/promises";
import { CompiledQuery, type Kysely } from "kysely";
import type { Database, Tx } from "../ports/database.ts";
import type { Tables } from "../ports/tables.ts";
import type { KeptStatements } from "./kept-statements.ts";
import { type Transact, transactionsOn } from "./transactions.ts";

/** Transactions that share a commit at most. */
const MOST_MEMBERS = 32;

const savepoint = CompiledQuery.raw("savepoint member");
const release = CompiledQuery.raw("release member");
const undo = CompiledQuery.raw("rollback to member");

/** A transaction of somebody's. */
interface Member {
  /** Runs it; rejects with what it rejects with. Its promise is settled later. */
  run(tx: Tx): Promise<void>;
  settle(): void;
  fail(error: unknown): void;
}

/** Writes on one connection, several of which may be committed together. */
export interface GroupedWrites {
  write: Database["write"];
  /** Resolves when nothing is being written. */
  idle(): Promise<void>;
}

/**
 * Commits transactions together that come within the same turn of the event loop: the commit is what takes the time, since it
 * waits for the disk. Each still is all or nothing by itself, and none is acknowledged before the commit.
 */
export function groupedWrites(writer: Kysely<Tables>, statements?: KeptStatements): GroupedWrites {
  const transact = transactionsOn(writer, statements);
  const waiting: Member[] = [];
  let running: Promise<void> | null = null;

  async function runAll(): Promise<void> {
    while (waiting.length > 0) await runGroup(transact, waiting);
    running = null;
  }

  return {
    write<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      waiting.push(memberOf(work, resolve, reject));
      running ??= runAll();
      return promise;
    },
    async idle() {
      while (running !== null) await running;
    },
  };
}

function memberOf<T>(
  work: (tx: Tx) => Promise<T>,
  resolve: (result: T) => void,
  reject: (error: unknown) => void,
): Member {
  let settle = () => {};
  return {
    async run(tx) {
      try {
        const result = await work(tx);
        settle = () => resolve(result);
      } catch (error) {
        settle = () => reject(error);
        throw error;
      }
    },
    settle: () => settle(),
    fail: reject,
  };
}

async function runGroup(transact: Transact, waiting: Member[]): Promise<void> {
  const group: Member[] = [];
  try {
    await transact((tx) => gather(tx, group, waiting));
  } catch (error) {
    // The write lock was not to be had: that is true for all who wait for it.
    if (group.length === 0) for (const member of waiting.splice(0)) member.fail(error);
    else if (group.length === 1) group[0]?.fail(error);
    // The commit failed, or SQLite gave the whole transaction up, and nobody knows because of whom.
    else for (const member of group) await runAlone(transact, member);
    return;
  }
  for (const member of group) member.settle();
}

/** Runs those who wait, and those who come while they run. */
async function gather(tx: Tx, group: Member[], waiting: Member[]): Promise<void> {
  while (waiting.length > 0 && group.length < MOST_MEMBERS) {
    const member = waiting.shift();
    if (member === undefined) return;
    group.push(member);
    // The first one needs no savepoint: if it fails, the transaction has nothing else in it.
    if (group.length === 1) await member.run(tx);
    else await runInside(tx, member);
    if (waiting.length === 0) await nextTurn();
  }
}

/** Runs a member so that its failure undoes nothing of the others'. */
async function runInside(tx: Tx, member: Member): Promise<void> {
  await tx.executeQuery(savepoint);
  // What it rejects with is kept for the one who asked.
  await member.run(tx).catch(() => tx.executeQuery(undo));
  await tx.executeQuery(release);
}

async function runAlone(transact: Transact, member: Member): Promise<void> {
  try {
    await transact((tx) => member.run(tx));
    member.settle();
  } catch (error) {
    member.fail(error);
  }
}
