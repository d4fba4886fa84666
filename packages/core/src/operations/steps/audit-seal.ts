import type { Context } from "../../context.ts";
import { findLastSeal, insertSeal, listMarked } from "../../db/audit-seals.ts";
import { chainStart, digestRow, isVouched, type Seal, sealMac } from "../../domain/audit-chain.ts";
import { toRowTime } from "../../domain/times.ts";
import type { Tx } from "../../ports/database.ts";

/** What became of an attempt to seal a batch. */
export type SealedBatch = { seal: Seal; rows: number } | "nothing" | { unknownHead: number };

const mostLosses = 100;

/** Seals the oldest lines that no seal covers. Of several instances that do so at the same time each seals other lines. */
export async function sealBatch(
  ctx: Context,
  keys: readonly [Buffer, ...Buffer[]],
  rows: number,
): Promise<SealedBatch> {
  const sealedAt = toRowTime(ctx.clock.now());
  for (let losses = 0; ; losses += 1) {
    try {
      return await ctx.database.write((tx) => extend(tx, keys, { rows, sealedAt }));
    } catch (error) {
      // Another instance has put its seal after the same predecessor: this one goes after that.
      if (losses === mostLosses || !ctx.database.isUniqueViolation(error)) throw error;
    }
  }
}

async function extend(
  tx: Tx,
  keys: readonly [Buffer, ...Buffer[]],
  batch: { rows: number; sealedAt: string },
): Promise<SealedBatch> {
  // The head comes first: lines are then read at least as fresh as it, wherever reads in a transaction are not all of one moment.
  const head = await findLastSeal(tx);
  if (head !== undefined && !isVouched(keys, head.mac)) return { unknownHead: head.id };
  const rows = await listMarked(tx, 0, batch.rows);
  if (rows.length === 0) return "nothing";
  const entries = JSON.stringify(rows.map((row) => [row.id, digestRow(row)]));
  const content = { id: (head?.id ?? 0) + 1, entries, sealed_at: batch.sealedAt };
  const seal = { ...content, mac: sealMac(keys[0], head?.mac ?? chainStart, content) };
  await insertSeal(
    tx,
    seal,
    rows.map(({ id }) => id),
  );
  return { seal, rows: rows.length };
}
