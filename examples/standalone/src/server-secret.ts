import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A secret that outlives restarts, and where it lies. */
export interface KeptSecret {
  secret: string;
  file: string;
  /** Whether it was made just now. */
  isNew: boolean;
}

/**
 * The secret that a folder keeps, made on first use and readable by its owner only.
 * @throws Error when the file holds fewer than 32 bytes
 */
export async function keptSecret(folder: string): Promise<KeptSecret> {
  const file = join(folder, "server-secret");
  const made = randomBytes(48).toString("base64url");
  try {
    await writeFile(file, `${made}\n`, { flag: "wx", mode: 0o600, flush: true });
    return { secret: made, file, isNew: true };
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const secret = (await readFile(file, "utf8")).trim();
  if (Buffer.byteLength(secret) < 32) {
    throw new Error(`${file} holds fewer than 32 bytes; remove it to have a new secret made, or set SERVER_SECRET`);
  }
  return { secret, file, isNew: false };
}
