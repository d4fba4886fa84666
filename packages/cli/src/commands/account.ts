import { ClientError, createClient } from "@serverless-registry/client";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { parseAddress } from "../logins.ts";

const passwordOptions = {
  passwordStdin: { about: "read the password from the standard input" },
} as const;

const passwordHelp =
  "The password is asked for on a terminal, without showing it. Elsewhere it comes from --password-stdin or SERVERLESS_REGISTRY_PASSWORD.";

/** Makes an account. */
export const register = command({
  name: "register",
  summary: "make an account",
  about: passwordHelp,
  args: { username: { about: "2 to 39 letters and digits with single - or _ between them" } },
  options: { email: { value: "address", about: "e-mail address; asked for on a terminal" }, ...passwordOptions },
  examples: ["register ada --email ada@example.com --registry https://registry.example.com"],
  place: "remote",
  async run(cli, { args: { username }, options }) {
    const url = await cli.address();
    const email = options.email ?? (await cli.terminal.ask("E-mail address", "say --email"));
    warnOfClearText(cli, url);
    const password = await readPassword(cli, options.passwordStdin);
    await createClient({ url }).users.register({ username, password, email });
    return {
      json: { username, email, registry: url },
      lines: [`Registered ${username} at ${url}. Sign in with: serverless-registry login --username ${username}`],
    };
  },
});

/** Signs in and keeps the token. */
export const login = command({
  name: "login",
  summary: "sign in; the token is kept in your configuration folder, readable by you alone",
  about: `${passwordHelp}\nThe registry becomes the usual one: later commands need no --registry.`,
  options: { username: { value: "name", about: "user name; asked for on a terminal" }, ...passwordOptions },
  examples: ["login --registry https://registry.example.com", "login --username ada --password-stdin < password.txt"],
  place: "remote",
  async run(cli, { options }) {
    const url = await cli.address();
    const named = options.username ?? cli.env.SERVERLESS_REGISTRY_USERNAME;
    const username = named || (await cli.terminal.ask("User name", "say --username"));
    warnOfClearText(cli, url);
    const password = await readPassword(cli, options.passwordStdin);
    const { token, expiresAt } = await createClient({ url }).sessions.login({ username, password });
    await cli.logins.keep({ url, username, token, expiresAt });
    return {
      json: { username, registry: url, expiresAt },
      lines: [`Signed in to ${url} as ${username}, until ${expiresAt}.`],
    };
  },
});

/** Ends a sign-in. */
export const logout = command({
  name: "logout",
  summary: "end the sign-in, here and at the registry",
  examples: ["logout", "logout --registry https://registry.example.com"],
  place: "remote",
  async run(cli) {
    const url = await cli.address();
    const kept = await cli.logins.read(url);
    if (kept === null)
      return { json: { registry: url, signedOut: false }, lines: [`You were not signed in to ${url}.`] };
    const isEnded = await endToken(url, kept.token, cli);
    await cli.logins.forget(url);
    return { json: { registry: url, signedOut: true, ended: isEnded }, lines: [`Signed out of ${url}.`] };
  },
});

async function endToken(url: string, token: string, cli: Cli): Promise<boolean> {
  try {
    await createClient({ url, token, retries: 1 }).sessions.logout();
    return true;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    // It is over already.
    if (error.code === "invalid_token") return true;
    cli.warn(`the registry was not told (${error.message}): the token is forgotten here, yet good until it expires`);
    return false;
  }
}

/** Who the registry takes the program for. */
export const whoami = command({
  name: "whoami",
  summary: "who the registry takes you for",
  examples: ["whoami", "whoami --json"],
  place: "remote",
  async run(cli) {
    const client = await cli.signedIn();
    const { username, isAdmin } = await client.sessions.whoami();
    const { source, login: kept } = await cli.credentials();
    const registry = await cli.address();
    const expiresAt = kept?.expiresAt ?? null;
    const how = source === "environment" ? "by the environment" : `until ${expiresAt}`;
    return {
      json: { username, isAdmin, registry, source, expiresAt },
      lines: [[{ text: username, style: "bold" }, `${isAdmin ? ", administrator" : ""} at ${registry}, ${how}`]],
    };
  },
});

async function readPassword({ env, terminal }: Cli, isPiped: boolean): Promise<string> {
  if (isPiped) return terminal.readInput();
  if (env.SERVERLESS_REGISTRY_PASSWORD) return env.SERVERLESS_REGISTRY_PASSWORD;
  return terminal.askSecret("Password", "say --password-stdin, or set SERVERLESS_REGISTRY_PASSWORD");
}

function warnOfClearText(cli: Cli, url: string): void {
  const { protocol, hostname } = new URL(parseAddress(url));
  const isLocal = hostname === "localhost" || hostname === "[::1]" || /^127\./.test(hostname);
  if (protocol === "http:" && !isLocal) cli.warn(`${url} is not encrypted: others on the way can read the password`);
}
