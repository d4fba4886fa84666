import { memoryRateLimiter } from "../memory/rate-limiter.ts";
import type { RateLimiter, RateRule } from "../ports/rate-limiter.ts";

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
  /** Largest JSON body in bytes; default 1 MiB. */
  jsonBytes?: number;
  /**
   * Paths below the mount path that are none of ours: `answer` them with 404, or `pass` them on to the host's other routes.
   * Default: `pass` when mounted at the root, else `answer`.
   */
  unknownPaths?: "answer" | "pass";
}

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
  search: { limit: 100, windowMs: minuteMs },
  read: { limit: 6000, windowMs: minuteMs },
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
  jsonBytes: number;
}

/** Fills in the defaults, and refuses options that cannot work. */
export function toSettings(options: HttpOptions): HttpSettings {
  const { publicUrl, allowedHosts = [], rateLimits = {}, rateLimiter, jsonBytes = 1024 * 1024 } = options;
  if (publicUrl === undefined && allowedHosts.length === 0) {
    throw new TypeError("The registry needs `publicUrl` (like https://example.com/registry) or `allowedHosts`");
  }
  return {
    publicUrl: publicUrl === undefined ? null : parsePublicUrl(publicUrl),
    allowedHosts: new Set(allowedHosts.map((host) => host.toLowerCase())),
    rules: rateLimits === "off" ? null : toRules({ ...defaultRateLimits, ...rateLimits }),
    limiter: rateLimiter ?? memoryRateLimiter(),
    jsonBytes,
  };
}

function toRules(limits: RateLimits): Record<RateLimitName, RateRule> {
  const rules = Object.entries(limits).map(([name, limit]) => [name, { name, ...limit }]);
  return Object.fromEntries(rules) as Record<RateLimitName, RateRule>;
}

function parsePublicUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "" || url.username !== "") {
    throw new TypeError(`publicUrl is not an http or https address without query: ${text}`);
  }
  return url.href.replace(/\/+$/, "");
}
