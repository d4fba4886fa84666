import { memoryRateLimiter } from "../memory/rate-limiter.ts";
import type { RateLimiter, RateRule } from "../ports/rate-limiter.ts";
import { type BodyPace, toBodyPace } from "./body-pace.ts";
import { type CorsOptions, toCors } from "./cors.ts";
import { type MetricsOptions, toMetrics } from "./metrics.ts";
import { type KnownNetworks, knownNetworks } from "./sign-ins.ts";
import { type UploadPlaces, uploadPlaces } from "./throttle.ts";

/** How the registry shows itself over HTTP. Either `publicUrl` or `allowedHosts` is needed. */
export interface HttpOptions {
  /** Address under which clients reach the mounted registry, like `https://example.com/registry`. Addresses in answers begin so. */
  publicUrl?: string;
  /** Instead of `publicUrl`: values of the Host header that may appear in addresses; requests to other hosts are refused. */
  allowedHosts?: readonly string[];
  /** `off`, or rules in place of the default ones. */
  rateLimits?: "off" | Partial<RateLimits>;
  /** Who counts; default in this process's memory, which is right for one instance only. */
  rateLimiter?: RateLimiter;
  /** Archives that one user sends at the same time (default 4); some more wait. Without a bound while rate limits are off. */
  parallelUploads?: number;
  /** Largest JSON body in bytes; default 1 MiB. */
  jsonBytes?: number;
  /** How slowly a body may come before its request ends with 408, in place of some of the defaults. */
  bodyPace?: Partial<BodyPace>;
  /** Pages of which other origins may call the registry from a browser. Left out: none, and OPTIONS is left to the host. */
  cors?: CorsOptions;
  /**
   * What a request must bring to be its user's: a token or a signature (`either`, default), one of them (`token`, `signature`) or
   * both. Whatever it brings must be good: a wrong signature is not made up for by a token.
   */
  auth?: AuthMode;
  signatures?: SignatureOptions;
  /**
   * Paths below the mount path that are none of ours: `answer` them with 404, or `pass` them on to the host's other routes.
   * Default: `pass` when mounted at the root, else `answer`. With `serverlessDevs`, those below `/v3` and `/simple` are always answered.
   */
  unknownPaths?: "answer" | "pass";
  /**
   * Whether clients of the Serverless Devs registry protocol are answered too, below `/v3`, `/simple`, `/package`, `/center` and
   * `/user`; default false. They have credentials of their own, so it goes with `auth: "either"` and whole keys only.
   */
  serverlessDevs?: boolean;
  /**
   * Whether a well-formed `X-Request-Id` of a request is its id; default false. Only where a proxy of yours sets it on every request:
   * everybody else could make their lines in logs look like others'. Without it the id is the host's, or a new one.
   */
  trustRequestIds?: boolean;
  /** Answers `GET /metrics` to who has the token; default not at all. */
  metrics?: MetricsOptions;
}

/** What a request must bring to be its user's. */
export type AuthMode = "either" | "token" | "signature" | "both";

/** Which signed requests are taken. */
export interface SignatureOptions {
  /** Whether the documented profile is taken beside v2; default true. */
  documented?: boolean;
  /** Whether `X-Api-Key` may carry the whole key, as documented, in place of its public id; default true. */
  wholeKey?: boolean;
  /** Beginning of paths that a proxy in front takes away, like `/packages`: clients sign the path they send. */
  pathPrefix?: string;
}

/** {@link SignatureOptions} with the defaults filled in. */
export type SignatureSettings = Required<SignatureOptions>;

/** What each kind of request is limited to: per signed-in user, else per network address. */
export type RateLimits = Readonly<Record<RateLimitName, Omit<RateRule, "name">>>;

/** Kinds of requests; `login_account` counts sign-ins per account, whatever the address. */
export type RateLimitName = "register" | "login" | "login_account" | "search" | "read" | "publish" | "upload" | "write";

const minuteMs = 60_000;

/** The limits that apply where the host names none. */
export const defaultRateLimits: RateLimits = {
  register: { limit: 10, windowMs: 60 * minuteMs },
  login: { limit: 5, windowMs: minuteMs },
  login_account: { limit: 5, windowMs: minuteMs },
  search: { limit: 100, windowMs: minuteMs, outage: "local" },
  read: { limit: 6000, windowMs: minuteMs, outage: "local" },
  publish: { limit: 300, windowMs: minuteMs },
  upload: { limit: 300, windowMs: minuteMs },
  write: { limit: 300, windowMs: minuteMs },
};

/** Options with every default filled in. */
export interface HttpSettings {
  /** Address that answers' addresses begin with; null: made from an allowed Host header. */
  publicUrl: string | null;
  allowedHosts: ReadonlySet<string>;
  rules: Readonly<Record<RateLimitName, RateRule>> | null;
  limiter: RateLimiter;
  /** From where accounts were signed in to. */
  networks: KnownNetworks;
  uploads: UploadPlaces | null;
  jsonBytes: number;
  bodyPace: BodyPace;
  cors: CorsOptions | null;
  auth: AuthMode;
  signatures: SignatureSettings;
  serverlessDevs: boolean;
  trustRequestIds: boolean;
  metrics: MetricsOptions | null;
}

/** Fills in the defaults, and refuses options that cannot work. */
export function toSettings(options: HttpOptions): HttpSettings {
  const { publicUrl, allowedHosts = [], rateLimits = {}, rateLimiter, jsonBytes = 1024 * 1024 } = options;
  if (publicUrl === undefined && allowedHosts.length === 0) {
    throw new TypeError("The registry needs `publicUrl` (like https://example.com/registry) or `allowedHosts`");
  }
  const auth = toAuthMode(options.auth);
  const signatures = toSignatureSettings(options.signatures);
  const { serverlessDevs = false } = options;
  if (serverlessDevs) requireOpenTo({ auth, signatures });
  return {
    publicUrl: publicUrl === undefined ? null : parsePublicUrl(publicUrl),
    allowedHosts: new Set(allowedHosts.map((host) => host.toLowerCase())),
    rules: rateLimits === "off" ? null : toRules(rateLimits),
    limiter: rateLimiter ?? memoryRateLimiter(),
    networks: knownNetworks(),
    uploads: rateLimits === "off" ? null : uploadPlaces(options.parallelUploads ?? 4),
    jsonBytes,
    bodyPace: toBodyPace(options.bodyPace),
    cors: toCors(options.cors),
    ...{ auth, signatures, serverlessDevs },
    trustRequestIds: options.trustRequestIds ?? false,
    metrics: toMetrics(options.metrics),
  };
}

/** Serverless Devs clients sign by their own rules, and the older ones send the whole key: they would go round what is asked for. */
function requireOpenTo({ auth, signatures }: Pick<HttpSettings, "auth" | "signatures">): void {
  if (auth !== "either") throw new TypeError(`serverlessDevs needs auth "either", not "${auth}"`);
  if (!signatures.wholeKey) throw new TypeError("serverlessDevs does not go with signatures.wholeKey: false");
}

/** A mode that nobody knows would ask for nothing. */
function toAuthMode(mode: AuthMode = "either"): AuthMode {
  if (!["either", "token", "signature", "both"].includes(mode)) throw new TypeError(`Unknown auth mode: ${mode}`);
  return mode;
}

function toSignatureSettings(options: SignatureOptions = {}): SignatureSettings {
  const { documented = true, wholeKey = true, pathPrefix = "" } = options;
  if (!/^(?:\/[^/?#]+)*$/.test(pathPrefix)) {
    throw new TypeError(`signatures.pathPrefix begins with a slash and does not end with one: ${pathPrefix}`);
  }
  return { documented, wholeKey, pathPrefix };
}

/** A host that gives a number need not say again what holds during an outage. */
function toRules(limits: Partial<RateLimits>): Record<RateLimitName, RateRule> {
  const rules = Object.entries(defaultRateLimits).map(([name, usual]) => [
    name,
    { name, ...usual, ...limits[name as RateLimitName] },
  ]);
  return Object.fromEntries(rules) as Record<RateLimitName, RateRule>;
}

function parsePublicUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "" || url.username !== "") {
    throw new TypeError(`publicUrl is not an http or https address without query: ${text}`);
  }
  return url.href.replace(/\/+$/, "");
}
