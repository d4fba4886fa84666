import { setImmediate as nextTurn } from "node:timers/promises";
import type { Context } from "../../context.ts";
import {
  countUnsealed,
  findMarked,
  findMarkedBelowZero,
  findNextMarked,
  findNextSeal,
  listMarked,
  type MarkedRow,
} from "../../db/audit-seals.ts";
import { chainStart, checkSeal, digestRow, parseEntries, type Seal, type SealEntry } from "../../domain/audit-chain.ts";
import type { AuditHead, AuditProblem, AuditVerdict, VerifyInput } from "../audit-chain.ts";

interface Walk {
  readonly ctx: Context;
  readonly input: VerifyInput;
  /** The seal that was checked last. */
  last: { id: number; mac: string };
  rows: number;
  /** Whether a key was found to have made one of the seals so far: from then on each must be made by one. */
  isVouched: boolean;
}

/** Follows the chain from its beginning, one seal in memory at a time, to the first thing that is wrong or to its end. */
export async function walkChain(ctx: Context, input: VerifyInput): Promise<AuditVerdict> {
  const walk: Walk = { ctx, input, last: { id: 0, mac: chainStart }, rows: 0, isVouched: false };
  const problem = await findProblem(walk);
  const { id, mac } = walk.last;
  const head: AuditHead | null = id === 0 ? null : { seal: id, mac };
  return { problem, verifiedRows: walk.rows, unsealedRows: await countUnsealed(ctx.database.reader), head };
}

async function findProblem(walk: Walk): Promise<AuditProblem | null> {
  const { reader } = walk.ctx.database;
  const odd = await findMarkedBelowZero(reader);
  if (odd !== undefined) return { what: "row_inserted", row: odd.id, seal: null };
  for (;;) {
    // Marks before seals: a mark that is seen was committed with its seal, so the seal must be seen after it.
    const marked = await findNextMarked(reader, walk.last.id);
    const seal = await findNextSeal(reader, walk.last.id);
    const problem = seal === undefined ? atEnd(walk, marked) : await checkNext(walk, seal, marked);
    if (problem !== null || seal === undefined) return problem;
    walk.input.onProgress?.({ seals: walk.last.id, rows: walk.rows });
    await nextTurn();
  }
}

function atEnd({ input, last, isVouched }: Walk, marked: MarkedRow | undefined): AuditProblem | null {
  if (marked !== undefined) return { what: "seal_removed", row: marked.id, seal: marked.sealed };
  if (input.head !== undefined && input.head.seal > last.id) {
    return { what: "seal_removed", row: null, seal: last.id + 1 };
  }
  return last.id > 0 && !isVouched ? { what: "secret_unknown", row: null, seal: last.id } : null;
}

async function checkNext(walk: Walk, seal: Seal, marked: MarkedRow | undefined): Promise<AuditProblem | null> {
  const { last, input, ctx } = walk;
  if (seal.id !== last.id + 1) return { what: "seal_removed", row: null, seal: last.id + 1 };
  if (marked !== undefined && marked.sealed < seal.id) return { what: "row_inserted", row: marked.id, seal: null };
  const changed: AuditProblem = { what: "seal_changed", row: null, seal: seal.id };
  const entries = parseEntries(seal.entries);
  const verdict = checkSeal(ctx.keys.audit, last.mac, seal);
  if (entries === undefined || verdict === "broken" || (verdict === "unvouched" && walk.isVouched)) return changed;
  if (input.head?.seal === seal.id && input.head.mac !== seal.mac) return changed;
  const wrong = await firstWrongRow(walk, seal.id, entries);
  if (wrong !== null) return { ...wrong, seal: seal.id };
  walk.isVouched ||= verdict === "vouched";
  walk.last = { id: seal.id, mac: seal.mac };
  return null;
}

type WrongRow = Pick<AuditProblem, "what" | "row"> | null;

async function firstWrongRow(walk: Walk, seal: number, entries: readonly SealEntry[]): Promise<WrongRow> {
  // One more than there should be: an added line shows, however many were added.
  const rows = await listMarked(walk.ctx.database.reader, seal, entries.length + 1);
  for (const [index, [id, digest]] of entries.entries()) {
    const row = rows[index];
    if (row !== undefined && row.id < id) return { what: "row_inserted", row: row.id };
    if (row?.id !== id) return missing(walk, id);
    if (digestRow(row) !== digest) return { what: "row_changed", row: id };
    walk.rows += 1;
  }
  const added = rows[entries.length];
  return added === undefined ? null : { what: "row_inserted", row: added.id };
}

async function missing({ ctx }: Walk, id: number): Promise<WrongRow> {
  const row = await findMarked(ctx.database.reader, id);
  return { what: row === undefined ? "row_removed" : "row_unmarked", row: id };
}
