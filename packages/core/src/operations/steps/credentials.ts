import type { Actor, Context } from "../../context.ts";
import { findApiKey } from "../../db/api-keys.ts";
import { holdCredential } from "../../db/locks.ts";
import { deleteToken, findToken } from "../../db/tokens.ts";
import { fromRowTime } from "../../domain/times.ts";
import { RegistryError } from "../../errors.ts";
import type { Tx } from "../../ports/database.ts";

/** True for a token that signs its user in at this time: neither over nor replaced. One without an end never does. */
export function isLiveToken(row: { expired_at: string | null; rotated_at: string | null }, now: number): boolean {
  return row.rotated_at === null && (fromRowTime(row.expired_at) ?? 0) > now;
}

/** True for an API key that signs at this time. One without an end always does. */
export function isLiveKey(row: { expires_at: string | null }, now: number): boolean {
  return row.expires_at === null || (fromRowTime(row.expires_at) ?? 0) > now;
}

/**
 * Checks inside the transaction that makes a change that the actor's credential is there still: one that ended while its
 * request was under way changes nothing any more. For a host's own users there is nothing to check. Gives what the credential
 * is called in the audit log; null for a sign-in and for the host's own users.
 * @throws invalid_token
 */
export async function requireLiveCredential(ctx: Context, tx: Tx, actor: Actor): Promise<string | null> {
  const now = ctx.clock.now();
  const names: string[] = [];
  if (actor.tokenId !== null) {
    await holdCredential(tx, "Tokens", actor.tokenId);
    const [token] = await findToken(tx, { id: actor.tokenId });
    if (token?.user_id !== actor.userId || !isLiveToken(token, now)) throw new RegistryError("invalid_token");
    if (token.kind !== "session") names.push(`token ${token.id}`);
  }
  if (actor.apiKeyId !== null) {
    await holdCredential(tx, "ApiKeys", actor.apiKeyId);
    const [key] = await findApiKey(tx, { id: actor.apiKeyId });
    if (key?.user_id !== actor.userId || !isLiveKey(key, now)) throw new RegistryError("invalid_token");
    names.push(`key ${key.id}`);
  }
  return names.length === 0 ? null : names.join(", ");
}

/**
 * Uses a publish grant up, in the transaction that publishes. Of several at the same moment, one goes on.
 * @throws invalid_token
 */
export async function useGrantUp(tx: Tx, actor: Actor): Promise<void> {
  if (actor.scopes?.grant === undefined) return;
  const isMine = actor.tokenId !== null && (await deleteToken(tx, actor.tokenId));
  if (!isMine) throw new RegistryError("invalid_token");
}

/** Whether an actor is an administrator still, inside the transaction that makes a change. */
export async function isAdminStill(tx: Tx, actor: Actor): Promise<boolean> {
  if (!actor.isAdmin) return false;
  if (actor.tokenId !== null) return (await findToken(tx, { id: actor.tokenId }))[0]?.is_admin === 1;
  if (actor.apiKeyId !== null) return (await findApiKey(tx, { id: actor.apiKeyId }))[0]?.is_admin === 1;
  // Whom the host vouches for is what the host says.
  return true;
}
