import type { Actor, Context } from "../../context.ts";
import { lockUser } from "../../db/locks.ts";
import { countMadeTokens, insertToken, type TokenRow } from "../../db/tokens.ts";
import { type Scopes, scopesFromText, scopesToText } from "../../domain/scopes.ts";
import { toIso, toRowTime } from "../../domain/times.ts";
import { hashSecret, newToken } from "../../domain/tokens.ts";
import { RegistryError } from "../../errors.ts";
import type { Tx } from "../../ports/database.ts";

/** Named tokens and grants that a user may have at the same time. */
const maxTokens = 100;

/** A token, as its user sees it later. The token itself is shown once, when it is made. */
export interface TokenInfo {
  id: number;
  /** `session`: a sign-in. `named`: made for a program. `grant`: publishes one archive once. */
  kind: string;
  /** What its user calls it; null for sign-ins and grants. */
  name: string | null;
  /** What it is good for; null for everything its user may do. */
  scopes: Scopes | null;
  /** ISO 8601, UTC, like the others. */
  createdAt: string;
  /** About when it was used last, up to a minute late; null for never. */
  lastUsedAt: string | null;
  expiresAt: string;
  /** Whether it is the one that asks. */
  isCurrent: boolean;
}

/** A new token. */
export interface NewToken extends TokenInfo {
  /** The secret. Nobody can read it again. */
  token: string;
}

/** A token to make. */
export interface Issue {
  actor: Actor;
  kind: "named" | "grant";
  name: string | null;
  scopes: Scopes | null;
  ttlMs: number;
}

/**
 * Makes a token that is no sign-in, inside the transaction of the change.
 * @throws too_many_credentials
 */
export async function issueMadeToken(
  ctx: Context,
  tx: Tx,
  { actor, kind, name, scopes, ttlMs }: Issue,
): Promise<NewToken> {
  const now = ctx.clock.now();
  const created_at = toRowTime(now);
  await lockUser(tx, actor.userId);
  if ((await countMadeTokens(tx, actor.userId, created_at)) >= maxTokens) {
    throw new RegistryError("too_many_credentials", { details: { most: maxTokens } });
  }
  const token = newToken();
  const row = {
    user_id: actor.userId,
    token: hashSecret(token),
    ...{ kind, name, created_at, family: null },
    scopes: scopesToText(scopes),
    expired_at: toRowTime(now + ttlMs),
  };
  const id = await insertToken(tx, row);
  return { ...toTokenInfo(ctx, actor, { ...row, id, last_used_at: null, rotated_at: null }), token };
}

/** What a user sees of a token. */
export function toTokenInfo(ctx: Context, actor: Actor, row: TokenRow): TokenInfo {
  const lastUse = ctx.uses.lastUse(row.id);
  const lastUsedAt = lastUse === undefined ? row.last_used_at : toRowTime(lastUse);
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    scopes: scopesFromText(row.scopes),
    createdAt: toIso(row.created_at),
    lastUsedAt: lastUsedAt === null ? null : toIso(lastUsedAt),
    expiresAt: toIso(row.expired_at ?? ""),
    isCurrent: row.id === actor.tokenId,
  };
}
