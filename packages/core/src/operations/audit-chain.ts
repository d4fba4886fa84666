import { setImmediate as nextTurn } from "node:timers/promises";
import type { Context } from "../context.ts";
import { sealBatch } from "./steps/audit-seal.ts";
import { walkChain } from "./steps/audit-walk.ts";

/** The newest seal of the chain. Kept outside the database, it shows later whether the chain was cut or replaced. */
export interface AuditHead {
  /** Id of the seal. */
  seal: number;
  mac: string;
}

/** The first thing that is not as it was sealed. */
export interface AuditProblem {
  /**
   * `row_changed`, `row_removed`, `row_inserted` (marked as sealed, but in no seal), `row_unmarked` (sealed, but not marked so any
   * more); `seal_changed` (it, or the MAC of the one before), `seal_removed`; `secret_unknown`: no secret that is given made
   * the seal, so nobody can tell.
   */
  what:
    | "row_changed"
    | "row_removed"
    | "row_inserted"
    | "row_unmarked"
    | "seal_changed"
    | "seal_removed"
    | "secret_unknown";
  /** Id of the line, where it is about one. */
  row: number | null;
  /** Id of the seal, where it is about one. */
  seal: number | null;
}

/** How much to seal. */
export interface SealInput {
  /** Lines in one seal, and so in one transaction: 1 to 1000, which is the default. */
  batchRows?: number;
}

/** What was sealed. */
export interface SealReport {
  rows: number;
  seals: number;
  head: AuditHead | null;
  /** Why sealing stopped early: the newest seal was changed, or made with a secret that is not given. Null otherwise. */
  problem: AuditProblem | null;
}

/**
 * Seals every line of the log that no seal covers yet, batch by batch. Each seal is chained to the one before and authenticated by
 * the server secret, so that {@link verify} sees later changes of what was sealed. Broken off, it goes on where it stopped;
 * several instances may call it at the same time. For the host only: there is no way to it from outside.
 * @throws TypeError without a server secret, RangeError for a batch of another size
 */
export async function seal(ctx: Context, input: SealInput = {}): Promise<SealReport> {
  const { batchRows = 1000 } = input;
  if (!Number.isInteger(batchRows) || batchRows < 1 || batchRows > 1000) {
    throw new RangeError("batchRows must be a whole number from 1 to 1000");
  }
  const keys = auditKeys(ctx);
  const report: SealReport = { rows: 0, seals: 0, head: null, problem: null };
  for (;;) {
    const sealed = await sealBatch(ctx, keys, batchRows);
    if (sealed === "nothing") return report;
    if ("unknownHead" in sealed) {
      ctx.logger.error(
        { seal: sealed.unknownHead },
        "audit log not sealed: its newest seal was changed, or its secret is missing",
      );
      return { ...report, problem: { what: "secret_unknown", row: null, seal: sealed.unknownHead } };
    }
    report.rows += sealed.rows;
    report.seals += 1;
    report.head = { seal: sealed.seal.id, mac: sealed.seal.mac };
    // A log that is kept elsewhere holds the head of the chain with this line.
    ctx.logger.info({ ...report.head, rows: sealed.rows }, "audit log sealed");
    await nextTurn();
  }
}

/** How to verify. */
export interface VerifyInput {
  /** A head that an earlier {@link seal} or {@link verify} reported: the chain must still go through it. */
  head?: AuditHead;
  /** Told after every seal that was found in order. */
  onProgress?(progress: { seals: number; rows: number }): void;
}

/** What the chain shows. */
export interface AuditVerdict {
  /** Null when all that was sealed is as it was. */
  problem: AuditProblem | null;
  /** Lines that were found as they were sealed, up to the problem. */
  verifiedRows: number;
  /** Lines that no seal covers yet: nothing can be said of them. */
  unsealedRows: number;
  /** The last seal that was found in order. */
  head: AuditHead | null;
}

/**
 * Compares every sealed line with its seal, and the seals with each other, in bounded memory; says what is wrong first. Seals made with
 * the previous server secret count; so do those made with older ones once a later seal was made with one that is given.
 * For the host only.
 * @throws TypeError without a server secret
 */
export async function verify(ctx: Context, input: VerifyInput = {}): Promise<AuditVerdict> {
  auditKeys(ctx);
  return walkChain(ctx, input);
}

function auditKeys(ctx: Context): readonly [Buffer, ...Buffer[]] {
  const [first, ...others] = ctx.keys.audit;
  if (first === undefined) throw new TypeError("Seals of the audit log need a serverSecret");
  return [first, ...others];
}
