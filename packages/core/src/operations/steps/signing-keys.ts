import { timingSafeEqual } from "node:crypto";
import type { Context } from "../../context.ts";
import { findApiKey, findApiKeyIdByMd5, type OwnedApiKeyRow } from "../../db/api-keys.ts";
import { type Scopes, scopesFromText } from "../../domain/scopes.ts";
import { openText } from "../../domain/seals.ts";
import { apiKeyIdOf, hashSecret } from "../../domain/tokens.ts";
import { isLiveKey } from "./credentials.ts";

/** An API key that signs, and whom for. */
export interface SigningKey {
  /** The whole key, which is the secret of its signatures. */
  key: string;
  userId: number;
  username: string;
  isAdmin: boolean;
  /** Its public id. */
  apiKeyId: string;
  /** What it is good for; null for everything its user may do. */
  scopes: Scopes | null;
  /** Networks it may be used from; null for any. See `isInNetworks`. */
  networks: readonly string[] | null;
}

/**
 * The API key that a request names, by its public id or by the whole key; null when it is unknown, has ended, or cannot be
 * opened with the server secrets there are.
 */
export async function findSigningKey(ctx: Context, presented: string): Promise<SigningKey | null> {
  const id = apiKeyIdOf(presented);
  const [row] = id === null ? [] : await findApiKey(ctx.database, { id });
  if (row === undefined || (presented !== id && !isSame(hashSecret(presented), row.key_hash))) return null;
  return toSigningKey(ctx, row);
}

/** The API key of this MD5 in hexadecimal, as clients of the Serverless Devs protocol name it; null as above. */
export async function findKeyByMd5(ctx: Context, md5Hex: string): Promise<SigningKey | null> {
  if (!/^[0-9a-f]{32}$/i.test(md5Hex)) return null;
  const [found] = await findApiKeyIdByMd5(ctx.database, { md5Hash: hashSecret(md5Hex.toLowerCase()) });
  const [row] = found === undefined ? [] : await findApiKey(ctx.database, found);
  return row === undefined ? null : toSigningKey(ctx, row);
}

/** What the seal of a key is bound to: moved into another row, it does not open. */
export function sealNameOf({ id, user_id }: { id: string; user_id: number }): string {
  return `API key ${id} of user ${user_id}`;
}

/** The networks that a row holds. What cannot be understood is no network at all: nobody is in it. */
export function networksFromText(text: string | null): readonly string[] | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.map(String) : [];
  } catch {
    return [];
  }
}

function toSigningKey(ctx: Context, row: OwnedApiKeyRow): SigningKey | null {
  if (!isLiveKey(row, ctx.clock.now())) return null;
  const opened = openText(ctx.keys.apiKeys, row.sealed, sealNameOf(row));
  if (opened === null || !isSame(hashSecret(opened.text), row.key_hash)) return null;
  return {
    key: opened.text,
    userId: row.user_id,
    username: row.username,
    isAdmin: row.is_admin === 1,
    apiKeyId: row.id,
    scopes: scopesFromText(row.scopes),
    networks: networksFromText(row.networks),
  };
}

function isSame(left: string, right: string): boolean {
  return left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));
}
