import { sql } from "kysely";
import type { Tx } from "../ports/database.ts";
import { engineOf } from "./engine.ts";

// On SQLite whoever writes is alone, so nothing of this is needed there.

/**
 * Lets changes of one package happen one after the other, so that what is read of it holds to the end of the transaction.
 * Every change of a package that is there begins so.
 */
export async function lockPackage(tx: Tx, id: number): Promise<void> {
  await takeTurn(tx, `package ${id}`);
}

/** Lets sign-ins of one user, changes of their password and new credentials of theirs happen one after the other. */
export async function lockUser(tx: Tx, id: number): Promise<void> {
  await takeTurn(tx, `user ${id}`);
}

/** Written, not only locked: in a cluster locks hold on one node, but of two that write the same row one is given up. */
async function takeTurn(tx: Tx, name: string): Promise<void> {
  if (engineOf(tx) === "sqlite") return;
  await sql`insert into Turns (name, turn) values (${name}, 1) on duplicate key update turn = turn + 1`.execute(tx);
}

/** Lets nobody end a credential before the transaction ends; any number of transactions may hold one. */
export async function holdCredential(tx: Tx, table: "Tokens" | "ApiKeys", id: number | string): Promise<void> {
  if (engineOf(tx) === "sqlite") return;
  await sql`select id from ${sql.table(table)} where id = ${id} lock in share mode`.execute(tx);
}
