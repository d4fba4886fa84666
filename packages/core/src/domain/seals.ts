import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const nonceBytes = 12;
const tagBytes = 16;

/** Encrypts a text (AES-256-GCM), bound to a name: under another name it does not open. */
export function sealText(key: Buffer, text: string, name: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(Buffer.from(name));
  const sealed = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return sealed.toString("base64url");
}

/** A text that was sealed, and the place in the list of the key that opened it. */
export interface OpenedText {
  text: string;
  keyIndex: number;
}

/** Opens what {@link sealText} made with one of these keys under this name; null for everything else. */
export function openText(keys: readonly Buffer[], sealed: string, name: string): OpenedText | null {
  const bytes = Buffer.from(sealed, "base64url");
  for (const [keyIndex, key] of keys.entries()) {
    const text = openWith(key, bytes, name);
    if (text !== null) return { text, keyIndex };
  }
  return null;
}

function openWith(key: Buffer, bytes: Buffer, name: string): string | null {
  if (bytes.length < nonceBytes + tagBytes) return null;
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(name));
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  try {
    return decipher.update(bytes.subarray(nonceBytes, -tagBytes), undefined, "utf8") + decipher.final("utf8");
  } catch {
    return null;
  }
}
