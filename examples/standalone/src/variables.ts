import type { Config } from "./config.ts";
import { type Rule, rules } from "./rules.ts";
import { databaseUrl, redisUrl, storageUrl } from "./targets.ts";

/** How severe a message must be to be logged. */
export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** One thing that can be set. */
export interface Variable<T> {
  name: string;
  about: string;
  rule: Rule<T>;
  /** Taken when the variable is not set. A text in `shown` stands for a value that depends on others. */
  fallback: { text: string } | { value: T; shown: string };
  /** Wrong values of secrets, and of addresses that may hold one, are not repeated. */
  isSecret?: true;
}

/** Everything that can be set, in the order in which it is explained. */
export const variables: { readonly [Key in keyof Config]: Variable<Config[Key]> } = {
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
  database: {
    name: "DATABASE_URL",
    about: "SQLite file, made when missing; or a database of a MySQL or MariaDB server, which several servers share.",
    rule: databaseUrl,
    fallback: { text: "sqlite:./data/serverless_registry.db" },
    isSecret: true,
  },
  storage: {
    name: "STORAGE_URL",
    about:
      "Folder of the archives, made when missing, which servers of one machine share; or an S3 bucket, which any share. Credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the AWS SDK's other ways.",
    rule: storageUrl,
    fallback: { text: "file:./data/packages" },
    isSecret: true,
  },
  redisUrl: {
    name: "REDIS_URL",
    about: "Redis that servers share for limits and for the one-time values of signed requests.",
    rule: redisUrl,
    fallback: { value: null, shown: "none: limits are counted in memory with SQLite, in the database with MySQL" },
    isSecret: true,
  },
  download: {
    name: "DOWNLOAD",
    about:
      "stream: archives pass through the server. redirect: clients are sent to the bucket, which they must be able to reach. auto: redirect where the storage can.",
    rule: rules.oneOf("stream", "redirect", "auto"),
    fallback: { text: "stream" },
  },
  nginxArchives: {
    name: "NGINX_ARCHIVES",
    about:
      "Internal location of nginx that serves the folder blobs below the archives': nginx then sends them itself, and every request must come through it.",
    rule: rules.proxyPath,
    fallback: { value: null, shown: "none: the server sends archives" },
  },
  sweepArchives: {
    name: "SWEEP_ARCHIVES",
    about:
      "off: no sweep removes an archive, and fsck names each that the database does not know. For the time after an older database was put back.",
    rule: rules.oneOf("on", "off"),
    fallback: { text: "on" },
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
    about:
      "Signs addresses of private archives, seals API keys and the audit log. Servers that share a database share it.",
    rule: rules.secret,
    fallback: { value: null, shown: "made on the first start, in the file server-secret beside the SQLite file" },
    isSecret: true,
  },
  previousServerSecret: {
    name: "SERVER_SECRET_PREVIOUS",
    about: "Secret that was used before; what it signed is still accepted, and API keys are sealed anew at the start.",
    rule: rules.secret,
    fallback: { value: null, shown: "none" },
    isSecret: true,
  },
  webhooks: {
    name: "WEBHOOK_URLS",
    about: "Addresses that are sent every event, signed; with blanks between them.",
    rule: rules.webhookAddresses,
    fallback: { value: [], shown: "none" },
    isSecret: true,
  },
  webhookSecret: {
    name: "WEBHOOK_SECRET",
    about: "Signs what is sent to WEBHOOK_URLS. Receivers verify with it.",
    rule: rules.webhookSecret,
    fallback: { value: null, shown: "none; needed with WEBHOOK_URLS" },
    isSecret: true,
  },
  previousWebhookSecret: {
    name: "WEBHOOK_SECRET_PREVIOUS",
    about: "Signs too, for receivers that verify with the secret that was used before.",
    rule: rules.webhookSecret,
    fallback: { value: null, shown: "none" },
    isSecret: true,
  },
  registration: {
    name: "REGISTRATION",
    about: "Whether anybody may register.",
    rule: rules.oneOf("open", "closed"),
    fallback: { text: "open" },
  },
  auth: {
    name: "AUTH",
    about:
      "What a request must bring to be its user's: a token, a signature, both, or either of them. Other than either needs SERVERLESS_DEVS=off.",
    rule: rules.oneOf("either", "token", "signature", "both"),
    fallback: { text: "either" },
  },
  signatures: {
    name: "SIGNATURES",
    about:
      "Which signed requests are taken. v2: only those in which no API key travels and the query is covered; needs SERVERLESS_DEVS=off.",
    rule: rules.oneOf("all", "v2"),
    fallback: { text: "all" },
  },
  serverlessDevs: {
    name: "SERVERLESS_DEVS",
    about: "Whether clients of the Serverless Devs registry protocol are answered. The older ones send whole API keys.",
    rule: rules.oneOf("on", "off"),
    fallback: { text: "on" },
  },
  metricsPort: {
    name: "METRICS_PORT",
    about: "Port at which GET /metrics is answered, to everybody who can reach it.",
    rule: rules.wholeNumber(1, 65_535) as Rule<number | null>,
    fallback: { value: null, shown: "none: no metrics are served" },
  },
  metricsHost: {
    name: "METRICS_HOST",
    about: "Address to listen at for metrics. The default serves this machine alone.",
    rule: rules.listenAddress,
    fallback: { text: "127.0.0.1" },
  },
  logLevel: {
    name: "LOG_LEVEL",
    about: "What is logged, as lines of JSON on the standard output.",
    rule: rules.oneOf(...logLevels),
    fallback: { text: "info" },
  },
  trustedProxies: {
    name: "TRUST_PROXY",
    about: "Proxies whose X-Forwarded-For, X-Forwarded-Proto and X-Request-Id are believed.",
    rule: rules.networks,
    fallback: { value: [], shown: "none" },
  },
  corsOrigins: {
    name: "CORS_ORIGINS",
    about: "Origins whose pages may call the registry from a browser.",
    rule: rules.origins,
    fallback: { value: [], shown: "none" },
  },
};
