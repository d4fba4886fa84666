import { type Client, createClient } from "@serverless-registry/client";
import { CliError, usageError } from "./failures.ts";
import { type Login, type Logins, logins, parseAddress } from "./logins.ts";
import type { Env } from "./private-files.ts";
import type { Progress, Terminal } from "./terminal.ts";
import type { Line, Part } from "./text.ts";

/** Who the program speaks as, and where that is from. */
export interface Credentials {
  token?: string;
  apiKey?: string;
  source: "environment" | "login" | "none";
  login: Login | null;
}

/** What every command works with. */
export interface Cli {
  readonly env: Env;
  readonly cwd: string;
  readonly terminal: Terminal;
  readonly logins: Logins;
  /** Aborted when the program is interrupted. */
  readonly signal: AbortSignal;
  /** Whether the answer is one JSON document. */
  readonly json: boolean;
  /** The registry's address: from the command line, the environment, or the last sign-in. @throws CliError `usage` */
  address(): Promise<string>;
  credentials(): Promise<Credentials>;
  /** A client as whoever is signed in, or as a visitor. */
  client(): Promise<Client>;
  /** @throws CliError `not_signed_in` */
  signedIn(): Promise<Client>;
  /** Lines for people that come before the answer. */
  print(lines: readonly Line[]): void;
  /** A message that is no part of the answer. */
  note(line: Line): void;
  warn(text: string): void;
  progress(label: string): Progress;
}

/** What {@link openCli} is made from. */
export interface CliOptions {
  env: Env;
  cwd: string;
  terminal: Terminal;
  signal: AbortSignal;
  json: boolean;
  /** What `--registry` says. */
  registry: string | undefined;
}

/** Opens what commands work with. Nothing is read before a command asks for it. */
export function openCli({ registry, ...options }: CliOptions): Cli {
  const { env, terminal, json } = options;
  const warn = (text: string) => terminal.note([{ text: "warning: ", style: "yellow" }, text] satisfies Part[]);
  const kept = logins(env, warn);

  async function address(): Promise<string> {
    const given = registry ?? (env.SERVERLESS_REGISTRY_URL || (await kept.usual()));
    if (!given)
      throw usageError("no registry is named", "say --registry, set SERVERLESS_REGISTRY_URL, or sign in to one");
    return parseAddress(given);
  }

  async function credentials(): Promise<Credentials> {
    const { SERVERLESS_REGISTRY_TOKEN: token, SERVERLESS_REGISTRY_API_KEY: apiKey } = env;
    if (token || apiKey) {
      return { ...(token ? { token } : {}), ...(apiKey ? { apiKey } : {}), source: "environment", login: null };
    }
    const login = await kept.read(await address());
    return login === null ? { source: "none", login } : { token: login.token, source: "login", login };
  }

  async function open(): Promise<{ client: Client; source: Credentials["source"]; url: string }> {
    const url = await address();
    const { source, login: _login, ...secrets } = await credentials();
    return { client: createClient({ url, ...secrets }), source, url };
  }

  return {
    ...options,
    logins: kept,
    address,
    credentials,
    client: async () => (await open()).client,
    async signedIn() {
      const { client, source, url } = await open();
      if (source !== "none") return client;
      const hint = "serverless-registry login, or set SERVERLESS_REGISTRY_TOKEN or SERVERLESS_REGISTRY_API_KEY";
      throw new CliError("not_signed_in", `not signed in to ${url}`, { ending: "denied", hint });
    },
    print(lines) {
      if (!json) for (const line of lines) terminal.out(line);
    },
    note: (line) => terminal.note(line),
    warn,
    progress: (label) => (json ? { update() {}, end() {} } : terminal.progress(label)),
  };
}
