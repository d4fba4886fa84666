/** What is sent or signed: text, bytes, or a file that is read piece by piece. */
export type Content = string | Uint8Array<ArrayBuffer> | Blob;

/** A digest or MAC that is fed piece by piece. */
export interface Hasher {
  update(bytes: Uint8Array<ArrayBuffer>): void;
  finish(): Promise<Uint8Array>;
}

/** SHA-256. */
export function sha256(): Hasher {
  const node = nodeCrypto();
  if (node !== null) return onNode(node.createHash("sha256"));
  return collecting((bytes) => crypto.subtle.digest("SHA-256", bytes));
}

/** HMAC-SHA256 under a key. */
export function hmacSha256(key: string): Hasher {
  const node = nodeCrypto();
  if (node !== null) return onNode(node.createHmac("sha256", key));
  return collecting(async (bytes) => {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const imported = await crypto.subtle.importKey("raw", new TextEncoder().encode(key), algorithm, false, ["sign"]);
    return crypto.subtle.sign("HMAC", imported, bytes);
  });
}

/** Feeds all of a content. */
export async function feed(hasher: Hasher, content: Content): Promise<void> {
  if (content instanceof Blob) {
    // Not every browser's streams can be walked through by a loop.
    const reader = content.stream().getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) hasher.update(piece.value);
  } else hasher.update(typeof content === "string" ? new TextEncoder().encode(content) : content);
}

/** Size of an archive in bytes. */
export function sizeOf(archive: Blob | Uint8Array): number {
  return archive instanceof Blob ? archive.size : archive.length;
}

/** Bytes in lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

interface NodeHash {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

interface NodeCrypto {
  createHash(algorithm: string): NodeHash;
  createHmac(algorithm: string, key: string): NodeHash;
}

/** Node hashes piece by piece; Web Crypto, which is all a browser has, wants everything at once. */
function nodeCrypto(): NodeCrypto | null {
  const node: { getBuiltinModule?(name: string): unknown } | undefined = globalThis.process;
  return (node?.getBuiltinModule?.("node:crypto") as NodeCrypto | undefined) ?? null;
}

function onNode(hash: NodeHash): Hasher {
  return {
    update: (bytes) => void hash.update(bytes),
    finish: async () => hash.digest(),
  };
}

function collecting(hashAll: (bytes: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer>): Hasher {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  return {
    update: (bytes) => void pieces.push(bytes.slice()),
    finish: async () => new Uint8Array(await hashAll(new Uint8Array(await new Blob(pieces).arrayBuffer()))),
  };
}
