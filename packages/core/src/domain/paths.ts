import { createHmac, timingSafeEqual } from "node:crypto";

/** Path of a version's archive below the registry's address. */
export function zipballPath(packageName: string, version: string): string {
  return `/${encodeURIComponent(packageName)}/zipball/${encodeURIComponent(version)}`;
}

/** Path to which an archive is uploaded. */
export function uploadPath(uploadId: string): string {
  return `/upload/${uploadId}`;
}

/** Proof that whoever holds an address may use it for a while. */
export interface PathGrant {
  /** Seconds since 1970. */
  expires: number;
  signature: string;
}

/** Signs the right to use one path until `expiresAtMs`: to read a private archive, or to send one. */
export function grantPath(key: Buffer, path: string, expiresAtMs: number): PathGrant {
  const expires = Math.floor(expiresAtMs / 1000);
  return { expires, signature: mac(key, path, expires).toString("base64url") };
}

/** True when one of the keys signed this grant for this path and it has not run out. */
export function grantHolds(keys: readonly Buffer[], path: string, grant: PathGrant, nowMs: number): boolean {
  if (!Number.isSafeInteger(grant.expires) || grant.expires * 1000 <= nowMs) return false;
  const given = Buffer.from(grant.signature, "base64url");
  return keys.some((key) => {
    const expected = mac(key, path, grant.expires);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

function mac(key: Buffer, path: string, expires: number): Buffer {
  return createHmac("sha256", key).update(`${path}\n${expires}`).digest();
}

/**
 * Path to which a client that sends no credentials uploads an archive, without its grant: the grant says that the upload was
 * opened with this API key, and that its holder may send the archive in the key's name.
 */
export function keyedUploadPath(uploadId: string, apiKeyId: string): string {
  return `/v3/uploads/${uploadId}?key=${encodeURIComponent(apiKeyId)}`;
}
