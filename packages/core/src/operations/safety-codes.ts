import { createHash, timingSafeEqual } from "node:crypto";
import type { Actor, Context, Origin } from "../context.ts";
import { deleteApiKey, findApiKey, insertApiKey } from "../db/api-keys.ts";
import { parseSafetyCodeHead, type SafetyCodeHead } from "../domain/safety-codes.ts";
import { sealText } from "../domain/seals.ts";
import { invalidSignature, stampWindowMs } from "../domain/signatures.ts";
import { toRowTime } from "../domain/times.ts";
import { hashSecret, md5OfKey, newApiKey } from "../domain/tokens.ts";
import { RegistryError } from "../errors.ts";
import { applyChange } from "./steps/change.ts";
import { actorOfKey } from "./steps/key-actors.ts";
import { requireFresh, useOnce } from "./steps/one-time.ts";
import { findKeyByMd5, findSigningKey, sealNameOf } from "./steps/signing-keys.ts";

/** A clock of whole seconds stays inside the window for up to one more. */
const lastSecondMs = 1000;

/** What a request of the Serverless Devs protocol shows. */
export interface SafetyCodeRequest extends SafetyCodeHead {
  /** Has the last word about a code that holds, before it is used up. What it throws refuses the request. */
  admit?(signer: Actor): Promise<void>;
}

/**
 * The user behind a request of the Serverless Devs protocol, whose safety code is one of their API keys. The code covers nothing
 * of the request but its moment, so each is good once.
 * @throws invalid_signature, stale_signature, replayed_request, unavailable when nothing can tell whether it was used before
 */
export async function authenticate(ctx: Context, origin: Origin, input: SafetyCodeRequest): Promise<Actor> {
  const head = parseSafetyCodeHead(input);
  requireFresh(ctx, head.stampMs);
  const key = await findKeyByMd5(ctx, head.token);
  if (key === null) throw invalidSignature();
  const expected = createHash("sha256").update(key.key).update(head.nonce).update(head.timestamp).digest();
  if (!timingSafeEqual(expected, head.digest)) throw invalidSignature();
  const signer = actorOfKey(ctx, key, origin);
  await input.admit?.(signer);
  const { nonce, stampMs } = head;
  const endsAt = stampMs + stampWindowMs + lastSecondMs;
  await useOnce(ctx, { apiKeyId: key.apiKeyId, nonce, stampMs, endsAt, code: head.digest.toString("hex") });
  return signer;
}

/**
 * The user whose safety code this is, for the older generation of clients, which send the code itself.
 * @throws invalid_signature
 */
export async function present(ctx: Context, origin: Origin, code: string): Promise<Actor> {
  const key = await findSigningKey(ctx, code);
  // Its public id alone is no secret.
  if (key === null || code === key.apiKeyId) throw invalidSignature();
  return actorOfKey(ctx, key, origin);
}

/** An API key in place of another. */
export interface ReplacedKey {
  /** Its public id. */
  id: string;
  /** The whole key, a secret. Nobody can read it again. */
  key: string;
}

/**
 * Ends the API key that the actor uses, at once, and makes one in its place with the same name, limits and end.
 * @throws invalid_token when the actor uses none, insufficient_scope when it is not good for `account`, api_keys_disabled
 */
export async function replace(ctx: Context, actor: Actor): Promise<ReplacedKey> {
  const [sealingKey] = ctx.keys.apiKeys;
  if (sealingKey === undefined) throw new RegistryError("api_keys_disabled");
  const replacedId = actor.apiKeyId;
  if (replacedId === null) throw new RegistryError("invalid_token");
  const { id, key } = newApiKey();
  const details = { keyId: id, replaces: replacedId };
  await applyChange(ctx, { action: "key.create", caller: actor, details }, async (tx) => {
    const [old] = await findApiKey(tx, { id: replacedId });
    if (old === undefined || !(await deleteApiKey(tx, replacedId))) throw new RegistryError("invalid_token");
    const { user_id, name, scopes, networks, expires_at } = old;
    await insertApiKey(tx, {
      ...{ id, user_id, name, scopes, networks, expires_at },
      sealed: sealText(sealingKey, key, sealNameOf({ id, user_id })),
      key_hash: hashSecret(key),
      md5_hash: hashSecret(md5OfKey(key)),
      created_at: toRowTime(ctx.clock.now()),
    });
  });
  return { id, key };
}
