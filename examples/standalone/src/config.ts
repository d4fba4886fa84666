import { type Rule, rules } from "./rules.ts";

/** How severe a message must be to be logged. */
export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** Everything that can be set from outside. */
export interface Config {
  port: number;
  host: string;
  publicUrl: string;
  /** Path of the SQLite file. */
  databasePath: string;
  /** Folder of the archives. */
  storageRoot: string;
  rateLimit: "on" | "off";
  maxUploadBytes: number;
  maxUnpackedBytes: number;
  /** Null: one is made and kept beside the database. */
  serverSecret: string | null;
  previousServerSecret: string | null;
  registration: "open" | "closed";
  logLevel: (typeof logLevels)[number];
  /** Addresses and networks of proxies whose `X-Forwarded-*` headers are believed. */
  trustedProxies: string[];
}

interface Variable<T> {
  name: string;
  about: string;
  rule: Rule<T>;
  /** Taken when the variable is not set. A text in `shown` stands for a value that depends on others. */
  fallback: { text: string } | { value: T; shown: string };
  /** Wrong values of secrets, and of addresses that may hold one, are not repeated. */
  isSecret?: true;
}

const variables: { readonly [Key in keyof Config]: Variable<Config[Key]> } = {
  port: {
    name: "PORT",
    about: "Port to listen at.",
    rule: rules.wholeNumber(1, 65_535),
    fallback: { text: "8080" },
  },
  host: {
    name: "HOST",
    about:
      "Address to listen at. The default serves this machine alone; 0.0.0.0 (or ::) serves every network it is in.",
    rule: rules.listenAddress,
    fallback: { text: "127.0.0.1" },
  },
  publicUrl: {
    name: "PUBLIC_URL",
    about: "Address under which clients reach the registry; addresses in answers begin with it.",
    rule: rules.webAddress,
    fallback: { value: "", shown: "http://localhost:PORT" },
    isSecret: true,
  },
  databasePath: {
    name: "DATABASE_URL",
    about: "SQLite file, made when missing.",
    rule: rules.sqliteUrl,
    fallback: { text: "sqlite:./data/serverless_registry.db" },
    isSecret: true,
  },
  storageRoot: {
    name: "STORAGE_URL",
    about: "Folder of the archives, made when missing. One server owns it.",
    rule: rules.fileUrl,
    fallback: { text: "file:./data/packages" },
    isSecret: true,
  },
  rateLimit: {
    name: "RATE_LIMIT",
    about: "Whether requests are limited: per user, else per network address.",
    rule: rules.oneOf("on", "off"),
    fallback: { text: "on" },
  },
  maxUploadBytes: {
    name: "MAX_UPLOAD_BYTES",
    about: "Largest archive as sent, in bytes.",
    rule: rules.wholeNumber(1, Number.MAX_SAFE_INTEGER),
    fallback: { text: String(100 * 1024 * 1024) },
  },
  maxUnpackedBytes: {
    name: "MAX_UNPACKED_BYTES",
    about: "Largest sum of what an archive unpacks to, in bytes.",
    rule: rules.wholeNumber(1, Number.MAX_SAFE_INTEGER),
    fallback: { text: String(512 * 1024 * 1024) },
  },
  serverSecret: {
    name: "SERVER_SECRET",
    about: "Signs addresses of private archives. Several servers share it.",
    rule: rules.secret,
    fallback: { value: null, shown: "made on the first start, in the file server-secret beside the database" },
    isSecret: true,
  },
  previousServerSecret: {
    name: "SERVER_SECRET_PREVIOUS",
    about: "Secret that was used before; what it signed is still accepted.",
    rule: rules.secret,
    fallback: { value: null, shown: "none" },
    isSecret: true,
  },
  registration: {
    name: "REGISTRATION",
    about: "Whether anybody may register.",
    rule: rules.oneOf("open", "closed"),
    fallback: { text: "open" },
  },
  logLevel: {
    name: "LOG_LEVEL",
    about: "What is logged, as lines of JSON on the standard output.",
    rule: rules.oneOf(...logLevels),
    fallback: { text: "info" },
  },
  trustedProxies: {
    name: "TRUST_PROXY",
    about: "Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.",
    rule: rules.networks,
    fallback: { value: [], shown: "none" },
  },
};

/** What came of reading the environment: a configuration, or every reason why there is none. */
export type ConfigResult = { config: Config } | { problems: string[] };

/** Reads the configuration from environment variables. Relative paths count from the current folder. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): ConfigResult {
  const problems: string[] = [];
  const entries = Object.entries(variables).map(([key, variable]) => {
    try {
      return [key, readVariable(variable as Variable<unknown>, env[variable.name])];
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
      return [key, undefined];
    }
  });
  if (problems.length > 0) return { problems };
  const config = Object.fromEntries(entries) as Config;
  return { config: { ...config, publicUrl: config.publicUrl || `http://localhost:${config.port}` } };
}

function readVariable<T>({ name, rule, fallback, isSecret }: Variable<T>, given: string | undefined): T {
  if (given === undefined && "value" in fallback) return fallback.value;
  const text = given ?? ("text" in fallback ? fallback.text : "");
  const subject = isSecret ? name : `${name}=${JSON.stringify(text)}`;
  if (text === "") throw new Error(`${name}: is empty; leave it out for the default. Allowed: ${rule.allowed}`);
  const result = rule.parse(text);
  if ("reason" in result) throw new Error(`${subject}: ${result.reason}. Allowed: ${rule.allowed}`);
  return result.value;
}

/** Every variable with its meaning, what is allowed, and its default. */
export function describeVariables(): string {
  return Object.values(variables)
    .map(({ name, about, rule, fallback }) => {
      const shown = "text" in fallback ? fallback.text : fallback.shown;
      return `  ${name}\n      ${about}\n      Allowed: ${rule.allowed}\n      Default: ${shown}`;
    })
    .join("\n");
}
