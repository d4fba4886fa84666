import { createHmac, timingSafeEqual } from "node:crypto";

/** Path of a version's archive below the registry's address. */
export function zipballPath(packageName: string, version: string): string {
  return `/${encodeURIComponent(packageName)}/zipball/${encodeURIComponent(version)}`;
}

/** Path to which an archive is uploaded. */
export function uploadPath(uploadId: string): string {
  return `/upload/${uploadId}`;
}

/** Proof that whoever holds an address may read one private archive for a while. */
export interface PathGrant {
  /** Seconds since 1970. */
  expires: number;
  signature: string;
}

/** Signs the right to read one version's archive until `expiresAtMs`. */
export function grantZipball(key: Buffer, zipball: string, expiresAtMs: number): PathGrant {
  const expires = Math.floor(expiresAtMs / 1000);
  return { expires, signature: mac(key, zipball, expires).toString("base64url") };
}

/** True when one of the keys signed this grant for this path and it has not run out. */
export function grantHolds(keys: readonly Buffer[], zipball: string, grant: PathGrant, nowMs: number): boolean {
  if (!Number.isSafeInteger(grant.expires) || grant.expires * 1000 <= nowMs) return false;
  const given = Buffer.from(grant.signature, "base64url");
  return keys.some((key) => {
    const expected = mac(key, zipball, grant.expires);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

function mac(key: Buffer, zipball: string, expires: number): Buffer {
  return createHmac("sha256", key).update(`${zipball}\n${expires}`).digest();
}
