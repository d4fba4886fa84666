import { createHash, randomBytes } from "node:crypto";

const tokenPrefix = "srg_";

/** A new sign-in token: 256 random bits behind a recognizable prefix. */
export function newToken(): string {
  return tokenPrefix + randomBytes(32).toString("base64url");
}

/** True for text that could be one of our tokens; nothing else is worth a look-up. */
export function looksLikeToken(text: string): boolean {
  return /^srg_[A-Za-z0-9_-]{43}$/.test(text);
}

/** A new upload id: 192 random bits. */
export function newUploadId(): string {
  return randomBytes(24).toString("base64url");
}

/** True for text that could be an upload id. */
export function looksLikeUploadId(text: string): boolean {
  return /^[A-Za-z0-9_-]{32}$/.test(text);
}

/** The form in which tokens and upload ids are stored: SHA-256 in hexadecimal. Enough for random values of this length. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
