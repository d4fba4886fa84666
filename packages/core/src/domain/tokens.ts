import { createHash, hash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

/*
 * Tokens and API keys are made so that a program that looks for leaked secrets knows them from noise:
 *
 *   token    srg_ secret checksum          srg_[0-9A-Za-z]{49}
 *   API key  srk_ id . secret checksum     srk_[0-9A-Za-z]{11}\.[0-9A-Za-z]{49}
 *
 * The id is 11 characters (64 random bits), the secret 43 (256 random bits), the checksum 6: CRC-32 of all that stands before it. Numbers are
 * written in base 62, digits first, then capitals, then small letters, with zeros in front.
 */
const tokenPattern = /^srg_[0-9A-Za-z]{49}$/;
const apiKeyPattern = /^(srk_[0-9A-Za-z]{11})\.[0-9A-Za-z]{49}$/;
const apiKeyIdPattern = /^srk_[0-9A-Za-z]{11}$/;
const secretBytes = 32;
const secretLength = 43;
const checksumLength = 6;

/** A new token: 256 random bits behind a recognizable prefix, a checksum behind them. */
export function newToken(): string {
  return withChecksum(`srg_${randomDigits(secretBytes, secretLength)}`);
}

/** True for text that is one of our tokens by its form and checksum; nothing else is worth a look-up. */
export function looksLikeToken(text: string): boolean {
  return tokenPattern.test(text) && hasChecksum(text);
}

/** An API key as its user gets it, once, and the part of it that is no secret. */
export interface NewApiKey {
  id: string;
  key: string;
}

/** A new API key: a public id of 64 random bits, a dot, a secret of 256. */
export function newApiKey(): NewApiKey {
  const id = `srk_${randomDigits(8, 11)}`;
  return { id, key: withChecksum(`${id}.${randomDigits(secretBytes, secretLength)}`) };
}

/** The public id of an API key, given the whole key or the id itself; null for anything else. */
export function apiKeyIdOf(presented: string): string | null {
  if (apiKeyIdPattern.test(presented)) return presented;
  const id = apiKeyPattern.exec(presented)?.[1];
  return id !== undefined && hasChecksum(presented) ? id : null;
}

/** What clients of the Serverless Devs protocol name a key by: the MD5 of the whole key in lower-case hexadecimal. */
export function md5OfKey(key: string): string {
  return createHash("md5").update(key).digest("hex");
}

/** A mark that the tokens of one sign-in share, and when that sign-in was. */
export function newFamily(now: number): string {
  return `${now}-${randomBytes(12).toString("base64url")}`;
}

/** When the sign-in was that a family of tokens came of, in milliseconds since 1970; null for text that is no such mark. */
export function familyStart(family: string): number | null {
  const start = /^(\d{1,16})-[A-Za-z0-9_-]{16}$/.exec(family)?.[1];
  return start === undefined ? null : Number(start);
}

/** A new upload id: 192 random bits. */
export function newUploadId(): string {
  return randomBytes(24).toString("base64url");
}

/** True for text that could be an upload id. */
export function looksLikeUploadId(text: string): boolean {
  return /^[A-Za-z0-9_-]{32}$/.test(text);
}

/** The form in which tokens, keys and upload ids are stored: SHA-256 in hexadecimal. Enough for random values of this length. */
export function hashSecret(secret: string): string {
  return hash("sha256", secret, "hex");
}

function randomDigits(bytes: number, length: number): string {
  return toBase62(BigInt(`0x${randomBytes(bytes).toString("hex")}`), length);
}

function withChecksum(text: string): string {
  return text + toBase62(BigInt(crc32(text)), checksumLength);
}

function hasChecksum(text: string): boolean {
  return withChecksum(text.slice(0, -checksumLength)) === text;
}

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

function toBase62(value: bigint, length: number): string {
  let text = "";
  for (let rest = value; rest > 0n; rest /= 62n) text = digits[Number(rest % 62n)] + text;
  return text.padStart(length, "0");
}
