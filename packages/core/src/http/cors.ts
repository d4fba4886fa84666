import { safetyHeaders } from "./respond.ts";
import type { HttpRequest, HttpResponse } from "./types.ts";

/** Which pages of other origins may call the registry from a browser, and read its answers. Credentials are never let through. */
export interface CorsOptions {
  /** Like `https://app.example.com`, exactly as browsers send it; `*` stands for every origin. */
  origins: readonly string[];
}

const allowedHeaders =
  "Authorization, Content-Type, If-None-Match, If-Range, Range, X-Client-Id, X-Api-Key, X-Timestamp, X-Nonce, X-Signature, X-Content-SHA256";
const exposedHeaders =
  "Accept-Ranges, Content-Disposition, Content-Range, ETag, Location, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id";

/**
 * Checks the option.
 * @throws TypeError for what is no origin
 */
export function toCors(options: CorsOptions | undefined): CorsOptions | null {
  if (options === undefined) return null;
  for (const origin of options.origins) {
    if (origin !== "*" && (origin.includes("*") || URL.parse(origin)?.origin !== origin)) {
      throw new TypeError(`cors: an origin looks like https://app.example.com, without a path: ${origin}`);
    }
  }
  return { origins: [...options.origins] };
}

/** The same answer, readable by pages of the origins that may. */
export function withCors(cors: CorsOptions | null, request: HttpRequest, response: HttpResponse): HttpResponse {
  if (cors === null) return response;
  const { vary, ...headers } = response.headers;
  const origin = allowedOrigin(cors, request);
  return {
    ...response,
    headers: {
      ...headers,
      ...(cors.origins.includes("*")
        ? vary === undefined
          ? {}
          : { vary }
        : { vary: vary ? `Origin, ${vary}` : "Origin" }),
      ...(origin === null
        ? {}
        : { "access-control-allow-origin": origin, "access-control-expose-headers": exposedHeaders }),
    },
  };
}

/** The answer to a browser that asks whether it may send a request. */
export function preflight(methods: readonly string[]): HttpResponse {
  return {
    status: 204,
    headers: {
      ...safetyHeaders,
      "cache-control": "no-store",
      "access-control-allow-methods": methods.join(", "),
      "access-control-allow-headers": allowedHeaders,
      "access-control-max-age": "600",
    },
    body: null,
  };
}

function allowedOrigin(cors: CorsOptions, { headers }: HttpRequest): string | null {
  if (cors.origins.includes("*")) return "*";
  const { origin } = headers;
  return origin !== undefined && cors.origins.includes(origin) ? origin : null;
}
