import type { Actor, Context } from "../../context.ts";
import { findApiKey, type OwnedApiKeyRow } from "../../db/api-keys.ts";
import { findToken, type SessionRow } from "../../db/tokens.ts";
import { fromRowTime } from "../../domain/times.ts";
import { RegistryError } from "../../errors.ts";
import { requireScope } from "./scopes.ts";

/**
 * Refuses who may not make credentials, nor end others of their own: only a sign-in, an API key without any limit, and whom the
 * host vouches for may. Anything less would get rid of its own limits so.
 * @throws insufficient_scope, invalid_token when the credential has ended
 */
export async function requireFullCredential(ctx: Context, actor: Actor): Promise<void> {
  requireScope(actor, { action: "account" });
  const { token, key } = await rowsOf(ctx, actor);
  const isSignIn = token === null || token.kind === "session";
  const isUnlimited = key === null || (key.scopes === null && key.networks === null && key.expires_at === null);
  if (isSignIn && isUnlimited) return;
  throw new RegistryError("insufficient_scope", {
    details: { credential: "a sign-in, or an API key without scopes, networks and end" },
  });
}

/**
 * When the actor's credential ends, in milliseconds since 1970; Infinity when it does not.
 * @throws invalid_token when it has ended
 */
export async function endOfCredential(ctx: Context, actor: Actor): Promise<number> {
  const { token, key } = await rowsOf(ctx, actor);
  const ends = [token?.expired_at, key?.expires_at].map((time) => fromRowTime(time ?? null));
  return Math.min(...ends.map((end) => end ?? Number.POSITIVE_INFINITY));
}

interface CredentialRows {
  /** Null when the actor presented no token. */
  token: SessionRow | null;
  key: OwnedApiKeyRow | null;
}

async function rowsOf(ctx: Context, { tokenId, apiKeyId }: Actor): Promise<CredentialRows> {
  const [token] = tokenId === null ? [null] : await findToken(ctx.database, { id: tokenId });
  const [key] = apiKeyId === null ? [null] : await findApiKey(ctx.database, { id: apiKeyId });
  if (token === undefined || key === undefined) throw new RegistryError("invalid_token");
  return { token, key };
}
