import { type Actor, actor, type Context, type Origin } from "../../context.ts";
import { isInNetworks } from "../../domain/networks.ts";
import { invalidSignature } from "../../domain/signatures.ts";
import { findSigningKey, type SigningKey } from "./signing-keys.ts";

/**
 * The user of an API key that has been proved.
 * @throws invalid_signature when the key is not for use from this address
 */
export function actorOfKey(ctx: Context, key: SigningKey, origin: Origin): Actor {
  const { userId, username, isAdmin, apiKeyId, scopes } = key;
  const { address, clientId, requestId } = origin;
  if (!isInNetworks(key.networks, address)) throw invalidSignature({ key: "is not for use from this address" });
  ctx.uses.note(apiKeyId);
  return actor({ address, clientId, requestId, userId, username, isAdmin, tokenId: null, apiKeyId, scopes });
}

/**
 * The user whom an API key stands for, by its public id alone: for who holds something else that was given out in the key's name.
 * @throws invalid_signature also when the key has ended
 */
export async function actAsKey(ctx: Context, apiKeyId: string, origin: Origin): Promise<Actor> {
  const key = await findSigningKey(ctx, apiKeyId);
  if (key === null || key.apiKeyId !== apiKeyId) throw invalidSignature();
  return actorOfKey(ctx, key, origin);
}
