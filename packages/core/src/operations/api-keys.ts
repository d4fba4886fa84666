import type { Actor, Context } from "../context.ts";
import {
  type ApiKeyRow,
  deleteApiKey,
  findApiKey,
  insertApiKey,
  listApiKeys,
  listApiKeysAfter,
  replaceSeal,
} from "../db/api-keys.ts";
import { lockUser } from "../db/locks.ts";
import { parseNetworks } from "../domain/networks.ts";
import { parseScopes, type Scopes, scopesFromText, scopesToText } from "../domain/scopes.ts";
import { openText, sealText } from "../domain/seals.ts";
import { toIso, toRowTime } from "../domain/times.ts";
import { hashSecret, md5OfKey, newApiKey } from "../domain/tokens.ts";
import { RegistryError } from "../errors.ts";
import { applyChange } from "./steps/change.ts";
import { parseCredentialName, parseTtl } from "./steps/credential-input.ts";
import { requireFullCredential } from "./steps/credential-rights.ts";
import { requireScope } from "./steps/scopes.ts";
import { networksFromText, sealNameOf } from "./steps/signing-keys.ts";

/** API keys that a user may have at the same time. */
const maxKeys = 50;
const batchSize = 200;
const longestMs = 3660 * 86_400_000;

/** An API key, as its user sees it later. The key itself is shown once, when it is made. */
export interface ApiKeyInfo {
  /** The public part of the key: what stands before its dot. */
  id: string;
  name: string;
  /** What it is good for; null for everything its user may do. */
  scopes: Scopes | null;
  /** Networks it may be used from; null for any. */
  networks: readonly string[] | null;
  /** ISO 8601, UTC, like the others. */
  createdAt: string;
  /** About when it was used last, up to a minute late; null for never. */
  lastUsedAt: string | null;
  /** Null for a key that does not end by itself. */
  expiresAt: string | null;
}

/** A new API key. */
export interface NewApiKey extends ApiKeyInfo {
  /** The whole key, a secret. Nobody can read it again. */
  key: string;
}

/** An API key to make. */
export interface CreateApiKeyInput {
  /** 1 to 100 characters. */
  name: unknown;
  /** `{ actions, packages }`; left out, everything its user may do. `packages` left out: all of them. */
  scopes?: unknown;
  /** Networks like `192.0.2.0/24` or `2001:db8::/32` that requests must come from; left out, any. */
  networks?: unknown;
  /** Its life in milliseconds; left out, it does not end by itself. */
  ttlMs?: number | undefined;
}

/**
 * Makes an API key, which signs requests and is no token. It is stored sealed, so the host needs a server secret.
 * @throws api_keys_disabled without a server secret; invalid_credential, too_many_credentials, and insufficient_scope for an
 * actor with anything but a sign-in or an API key without limits
 */
export async function create(ctx: Context, actor: Actor, input: CreateApiKeyInput): Promise<NewApiKey> {
  const name = parseCredentialName(input.name);
  const scopes = parseScopes(input.scopes);
  const networks = parseNetworks(input.networks);
  const ttlMs = parseTtl(input.ttlMs, { longestMs, usualMs: null });
  await requireFullCredential(ctx, actor);
  const [sealingKey] = ctx.keys.apiKeys;
  if (sealingKey === undefined) {
    throw new RegistryError("api_keys_disabled", { details: { host: "set serverSecret, which seals them" } });
  }
  const { id, key } = newApiKey();
  const now = ctx.clock.now();
  const row = {
    ...{ id, name, user_id: actor.userId },
    sealed: sealText(sealingKey, key, sealNameOf({ id, user_id: actor.userId })),
    key_hash: hashSecret(key),
    md5_hash: hashSecret(md5OfKey(key)),
    scopes: scopesToText(scopes),
    networks: networks === null ? null : JSON.stringify(networks),
    created_at: toRowTime(now),
    expires_at: ttlMs === null ? null : toRowTime(now + ttlMs),
  };
  const limits = scopes === null ? {} : { actions: scopes.actions, packages: scopes.packages };
  const details = { keyId: id, name, ...limits, ...(networks === null ? {} : { networks }) };
  await applyChange(ctx, { action: "key.create", caller: actor, details }, async (tx) => {
    await lockUser(tx, actor.userId);
    const known = await listApiKeys(tx, actor.userId);
    if (known.length >= maxKeys) throw new RegistryError("too_many_credentials", { details: { most: maxKeys } });
    await insertApiKey(tx, row);
  });
  return { ...toInfo(ctx, { ...row, last_used_at: null }), key };
}

/**
 * The actor's API keys, the oldest first, those that have ended included.
 * @throws insufficient_scope
 */
export async function list(ctx: Context, actor: Actor): Promise<ApiKeyInfo[]> {
  requireScope(actor, { action: "account" });
  return (await listApiKeys(ctx.database.reader, actor.userId)).map((row) => toInfo(ctx, row));
}

/** Which API key, by its public id. */
export interface ApiKeyInput {
  id: string;
}

/**
 * Ends an API key of the actor's, at once. One with limits ends itself at the most.
 * @throws api_key_not_found, also for somebody else's, insufficient_scope as for `create`
 */
export async function revoke(ctx: Context, actor: Actor, { id }: ApiKeyInput): Promise<void> {
  if (id === actor.apiKeyId) requireScope(actor, { action: "account" });
  else await requireFullCredential(ctx, actor);
  const [key] = await findApiKey(ctx.database, { id });
  if (key?.user_id !== actor.userId) throw new RegistryError("api_key_not_found");
  const details = { keyId: id, name: key.name };
  await applyChange(ctx, { action: "key.revoke", caller: actor, details }, async (tx) => {
    if (!(await deleteApiKey(tx, id))) throw new RegistryError("api_key_not_found");
  });
}

/**
 * Seals every API key anew that the previous server secret seals, and says how many that were. Call it after the server secret
 * was replaced, before the previous one is given up: keys that it alone opens are void then. For the host only: there is no
 * way to it from outside.
 */
export async function reseal(ctx: Context): Promise<number> {
  let resealed = 0;
  for (let after = ""; ; ) {
    const rows = await listApiKeysAfter(ctx.database.reader, after, batchSize);
    for (const row of rows) if (await resealOne(ctx, row)) resealed += 1;
    const last = rows.at(-1);
    if (last === undefined) return resealed;
    after = last.id;
  }
}

async function resealOne(ctx: Context, row: ApiKeyRow): Promise<boolean> {
  const [current] = ctx.keys.apiKeys;
  const opened = openText(ctx.keys.apiKeys, row.sealed, sealNameOf(row));
  if (current === undefined || opened === null || opened.keyIndex === 0) return false;
  const sealed = sealText(current, opened.text, sealNameOf(row));
  return ctx.database.write((tx) => replaceSeal(tx, row.id, { from: row.sealed, to: sealed }));
}

function toInfo(ctx: Context, row: ApiKeyRow): ApiKeyInfo {
  const lastUse = ctx.uses.lastUse(row.id);
  const lastUsedAt = lastUse === undefined ? row.last_used_at : toRowTime(lastUse);
  return {
    id: row.id,
    name: row.name,
    scopes: scopesFromText(row.scopes),
    networks: networksFromText(row.networks),
    createdAt: toIso(row.created_at),
    lastUsedAt: lastUsedAt === null ? null : toIso(lastUsedAt),
    expiresAt: row.expires_at === null ? null : toIso(row.expires_at),
  };
}
