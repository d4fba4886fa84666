import { rules } from "./rules.ts";
import type { DatabaseTarget, StorageTarget } from "./targets.ts";
import { type logLevels, type Variable, variables } from "./variables.ts";

/** Everything that can be set from outside. */
export interface Config {
  port: number;
  host: string;
  publicUrl: string;
  database: DatabaseTarget;
  storage: StorageTarget;
  /** Null: nothing is shared by way of Redis. */
  redisUrl: string | null;
  /** Whether archives pass through the server, or clients are sent to the bucket. */
  download: "stream" | "redirect" | "auto";
  /** Internal location of nginx that sends the archives; null: the server does. */
  nginxArchives: string | null;
  /** Off: no sweep removes an archive, as after an older database was put back. */
  sweepArchives: "on" | "off";
  rateLimit: "on" | "off";
  maxUploadBytes: number;
  maxUnpackedBytes: number;
  /** Null: one is made and kept beside the SQLite file. */
  serverSecret: string | null;
  previousServerSecret: string | null;
  /** Addresses that events are sent to. */
  webhooks: string[];
  /** Null only without webhooks. */
  webhookSecret: string | null;
  previousWebhookSecret: string | null;
  registration: "open" | "closed";
  /** What a request must bring to be its user's. */
  auth: "either" | "token" | "signature" | "both";
  /** Which signed requests are taken: `v2` leaves out the documented profile, and keys that travel whole. */
  signatures: "all" | "v2";
  serverlessDevs: "on" | "off";
  /** Null: no metrics are served. */
  metricsPort: number | null;
  metricsHost: string;
  logLevel: (typeof logLevels)[number];
  /** Addresses and networks of proxies whose `X-Forwarded-*` headers are believed. */
  trustedProxies: string[];
  /** Origins whose pages may call from a browser; `*` for every one. Empty: none. */
  corsOrigins: string[];
}

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
  const config = Object.fromEntries(entries) as Partial<Config>;
  problems.push(...contradictionsIn(config));
  if (!isComplete(config, problems)) return { problems };
  return { config: { ...config, publicUrl: config.publicUrl || `http://localhost:${config.port}` } };
}

/** Values that are right by themselves and cannot hold together. */
function contradictionsIn(config: Partial<Config>): string[] {
  const { database, serverSecret, storage, download, serverlessDevs, auth = "either", signatures = "all" } = config;
  const found: string[] = [];
  if (config.webhooks !== undefined && config.webhooks.length > 0 && config.webhookSecret === null) {
    found.push(`WEBHOOK_SECRET: is needed with WEBHOOK_URLS. Allowed: ${rules.webhookSecret.allowed}`);
  }
  if (database?.kind === "mysql" && serverSecret === null) {
    found.push(`SERVER_SECRET: is needed with MySQL, the same for each server. Allowed: ${rules.secret.allowed}`);
  }
  if (storage?.kind === "files" && download === "redirect") {
    found.push("DOWNLOAD=redirect: needs a bucket as STORAGE_URL. Allowed with files: stream, auto");
  }
  if (storage?.kind === "s3" && typeof config.nginxArchives === "string") {
    found.push("NGINX_ARCHIVES: needs a folder as STORAGE_URL, which nginx can read");
  }
  if (config.metricsPort !== null && config.metricsPort !== undefined && config.metricsPort === config.port) {
    found.push(
      `METRICS_PORT=${config.metricsPort}: is PORT too; metrics are for other readers, so they need another port`,
    );
  }
  // Their protocols are older than both, and would be a way around them.
  if (serverlessDevs === "on" && auth !== "either") {
    found.push(
      `AUTH=${auth}: Serverless Devs clients cannot do that; set SERVERLESS_DEVS=off too. Allowed with on: either`,
    );
  }
  if (serverlessDevs === "on" && signatures !== "all") {
    found.push(
      `SIGNATURES=${signatures}: Serverless Devs clients know no v2; set SERVERLESS_DEVS=off too. Allowed with on: all`,
    );
  }
  return found;
}

function isComplete(_config: Partial<Config>, problems: string[]): _config is Config {
  return problems.length === 0;
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
