import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

/** Environment variables. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The folder in which this program keeps what is the user's. */
export function configFolder(env: Env, platform: NodeJS.Platform = process.platform): string {
  const home = env.HOME || homedir();
  if (platform === "win32") return join(env.APPDATA || join(home, "AppData", "Roaming"), "serverless-registry");
  const base = env.XDG_CONFIG_HOME;
  // The specification of these folders wants relative paths ignored.
  return join(base !== undefined && isAbsolute(base) ? base : join(home, ".config"), "serverless-registry");
}

/** Writes a file that only its user may read. It is there as a whole or not at all. */
export async function writePrivate(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** What {@link readPrivate} found. */
export interface PrivateFile {
  text: string;
  /** Whether others could read it until now. */
  wasExposed: boolean;
}

/** Reads such a file; null when it is not there. Others who may read it may do so no longer. */
export async function readPrivate(path: string): Promise<PrivateFile | null> {
  try {
    const text = await readFile(path, "utf8");
    const wasExposed = process.platform !== "win32" && ((await stat(path)).mode & 0o077) !== 0;
    if (wasExposed) await chmod(path, 0o600);
    return { text, wasExposed };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** Removes such a file; true when it was there. */
export async function removePrivate(path: string): Promise<boolean> {
  const wasThere = (await readPrivate(path)) !== null;
  await rm(path, { force: true });
  return wasThere;
}
