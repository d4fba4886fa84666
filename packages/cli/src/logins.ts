import { createHash } from "node:crypto";
import { join } from "node:path";
import { CliError, usageError } from "./failures.ts";
import { configFolder, type Env, readPrivate, removePrivate, writePrivate } from "./private-files.ts";

/** A sign-in that is kept. */
export interface Login {
  url: string;
  username: string;
  token: string;
  expiresAt: string;
}

/** The sign-ins of this user, one file for each registry. */
export interface Logins {
  read(url: string): Promise<Login | null>;
  /** Keeps a sign-in, and makes its registry the usual one. */
  keep(login: Login): Promise<void>;
  /** True when there was one. */
  forget(url: string): Promise<boolean>;
  /** Address of the registry that was signed in to last; null when there is none. */
  usual(): Promise<string | null>;
}

/** The sign-ins below the user's configuration folder. `warn` is told of files that others could read. */
export function logins(env: Env, warn: (message: string) => void): Logins {
  const folder = configFolder(env);
  const usualFile = join(folder, "usual.json");
  const fileOf = (url: string) => join(folder, "logins", `${slugOf(url)}.json`);
  const read = async <T>(path: string): Promise<T | null> => {
    const file = await readPrivate(path);
    if (file === null) return null;
    if (file.wasExposed)
      warn(`${path} could be read by others; that was put right. Sign in anew if they are not trusted`);
    return parse(path, file.text) as T;
  };
  return {
    read: (url) => read<Login>(fileOf(url)),
    async keep(login) {
      await writePrivate(fileOf(login.url), `${JSON.stringify(login, null, 2)}\n`);
      await writePrivate(usualFile, `${JSON.stringify({ url: login.url })}\n`);
    },
    async forget(url) {
      if ((await read<{ url: string }>(usualFile))?.url === url) await removePrivate(usualFile);
      return removePrivate(fileOf(url));
    },
    usual: async () => (await read<{ url: string }>(usualFile))?.url ?? null,
  };
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CliError("broken_file", `${path} is no JSON`, { hint: "remove it and sign in again", cause });
  }
}

/** A name that tells people the registry, and a digest that tells the program. */
function slugOf(url: string): string {
  const digest = createHash("sha256").update(url).digest("hex").slice(0, 12);
  return `${new URL(url).host.replace(/[^a-z0-9.-]/g, "_")}-${digest}`;
}

/**
 * A registry's address in the one form that it is known by.
 * @throws CliError `usage`
 */
export function parseAddress(text: string): string {
  const url = URL.parse(text);
  const hint = "use one like https://registry.example.com, with the path below which the registry is mounted";
  if (url === null || !/^https?:$/.test(url.protocol))
    throw usageError("the registry's address is no web address", hint);
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw usageError("the registry's address holds more than host and path", hint);
  }
  return url.href.replace(/\/+$/, "");
}
