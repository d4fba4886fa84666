import type { Actor, Context } from "../context.ts";
import { deleteFamily, deleteToken, findToken, listTokens } from "../db/tokens.ts";
import { parseScopes, type Scopes } from "../domain/scopes.ts";
import { toRowTime } from "../domain/times.ts";
import { RegistryError } from "../errors.ts";
import { applyChange } from "./steps/change.ts";
import { parseCredentialName, parseTtl } from "./steps/credential-input.ts";
import { requireFullCredential } from "./steps/credential-rights.ts";
import { issueMadeToken, type NewToken, type TokenInfo, toTokenInfo } from "./steps/issuing.ts";
import { requireScope } from "./steps/scopes.ts";

const dayMs = 86_400_000;

/** A token to make for a program. */
export interface CreateTokenInput {
  /** 1 to 100 characters. */
  name: unknown;
  /** `{ actions, packages }`; left out, everything its user may do. `packages` left out: all of them. */
  scopes?: unknown;
  /** Its life in milliseconds; default 90 days, at most the limit `namedTokenTtlMs`. */
  ttlMs?: number | undefined;
}

/**
 * Makes a token for a program, which ends by itself and can be limited in what it is good for. It never has an
 * administrator's powers once it is limited, and cannot be refreshed.
 * @throws invalid_credential, too_many_credentials, and insufficient_scope for an actor with anything but a sign-in or an API
 * key without limits
 */
export async function create(ctx: Context, actor: Actor, input: CreateTokenInput): Promise<NewToken> {
  const name = parseCredentialName(input.name);
  const scopes = parseScopes(input.scopes);
  const longestMs = ctx.limits.namedTokenTtlMs;
  const ttlMs = parseTtl(input.ttlMs, { longestMs, usualMs: Math.min(90 * dayMs, longestMs) });
  await requireFullCredential(ctx, actor);
  const details = { kind: "named", name, ...limitsOf(scopes) };
  const token = await applyChange(ctx, { action: "token.create", caller: actor, details }, async (tx, notes) => {
    const made = await issueMadeToken(ctx, tx, { actor, kind: "named", name, scopes, ttlMs });
    notes.details.tokenId = made.id;
    return made;
  });
  await ctx.cleanTokens();
  return token;
}

/**
 * The actor's tokens that are live: sign-ins, named ones and grants, the newest first; at most 1000.
 * @throws insufficient_scope
 */
export async function list(ctx: Context, actor: Actor): Promise<TokenInfo[]> {
  requireScope(actor, { action: "account" });
  const rows = await listTokens(ctx.database.reader, actor.userId, toRowTime(ctx.clock.now()));
  return rows.map((row) => toTokenInfo(ctx, actor, row));
}

/** Which token. */
export interface TokenInput {
  id: number;
}

/**
 * Ends a token of the actor's, at once. A sign-in ends whole. A named token ends itself at the most.
 * @throws token_not_found, also for somebody else's, insufficient_scope as for `create`
 */
export async function revoke(ctx: Context, actor: Actor, { id }: TokenInput): Promise<void> {
  if (id === actor.tokenId) requireScope(actor, { action: "account" });
  else await requireFullCredential(ctx, actor);
  const [token] = Number.isSafeInteger(id) ? await findToken(ctx.database, { id }) : [];
  if (token?.user_id !== actor.userId || token.rotated_at !== null) throw new RegistryError("token_not_found");
  const { kind, name, family } = token;
  const details = { tokenId: id, kind, ...(name === null ? {} : { name }) };
  await applyChange(ctx, { action: "token.revoke", caller: actor, details }, async (tx) => {
    if (!(await deleteToken(tx, id))) throw new RegistryError("token_not_found");
    if (family !== null) await deleteFamily(tx, family);
  });
}

function limitsOf(scopes: Scopes | null): Partial<Pick<Scopes, "actions" | "packages">> {
  return scopes === null ? {} : { actions: scopes.actions, packages: scopes.packages };
}
