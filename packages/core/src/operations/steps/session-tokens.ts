import type { Actor, Context, Origin } from "../../context.ts";
import { deleteFamily, findToken, insertToken, type SessionRow } from "../../db/tokens.ts";
import { fromRowTime, toRowTime } from "../../domain/times.ts";
import { familyStart, hashSecret, newToken } from "../../domain/tokens.ts";
import { RegistryError } from "../../errors.ts";
import type { Tx } from "../../ports/database.ts";
import { applyChange } from "./change.ts";
import { isLiveToken } from "./credentials.ts";

/** A token that authenticates its bearer, and when it stops doing so (ISO 8601, UTC). Shown once; nobody can read it again. */
export interface Session {
  token: string;
  expiresAt: string;
}

/** How long a token that was replaced is refused and no more: its answer may have been lost, or a client is being careful. */
const replayGraceMs = 60_000;

/** A token of a sign-in. It ends with the time that sign-ins can be prolonged for, if not before. */
export async function issueSession(
  ctx: Context,
  tx: Tx,
  { userId, family }: { userId: number; family: string },
): Promise<Session> {
  const token = newToken();
  const now = ctx.clock.now();
  const latest = (familyStart(family) ?? now) + ctx.limits.signInTtlMs;
  const expiresAt = Math.min(now + ctx.limits.tokenTtlMs, latest);
  await insertToken(tx, {
    user_id: userId,
    token: hashSecret(token),
    created_at: toRowTime(now),
    expired_at: toRowTime(expiresAt),
    ...{ kind: "session", name: null, scopes: null, family },
  });
  return { token, expiresAt: new Date(expiresAt).toISOString() };
}

/**
 * The row of the token that an actor presented, inside the transaction that ends or replaces it.
 * @throws invalid_token
 */
export async function requireToken(tx: Tx, caller: Actor): Promise<SessionRow> {
  const [token] = caller.tokenId === null ? [] : await findToken(tx, { id: caller.tokenId });
  if (token === undefined) throw new RegistryError("invalid_token");
  return token;
}

/** Ends a whole sign-in when one of its tokens is presented again that was replaced a while ago and would not be over yet. */
export async function endStolen(ctx: Context, row: SessionRow, origin: Origin): Promise<void> {
  const { family, username } = row;
  const now = ctx.clock.now();
  const replacedAt = fromRowTime(row.rotated_at);
  if (family === null || replacedAt === null || now - replacedAt <= replayGraceMs) return;
  if (!isLiveToken({ ...row, rotated_at: null }, now)) return;
  const details = { username, reason: "a token that had been replaced was presented again" };
  const request = { action: "token.revoke", caller: { kind: "visitor", ...origin }, details } as const;
  await applyChange(ctx, request, async (tx, notes) => {
    notes.userId = row.user_id;
    notes.details.tokens = await deleteFamily(tx, family);
  });
}
