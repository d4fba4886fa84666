import { createHash, timingSafeEqual } from "node:crypto";
import { RegistryError } from "../errors.ts";
import { countRefusal, type Exchange, visitorOf } from "./credentials.ts";
import type { RouteFamily } from "./families.ts";
import { publicRoute } from "./route.ts";

/** Who may read the metrics, and where they come from. */
export interface MetricsOptions {
  /** What `prometheusMetrics` makes. */
  source: { readonly contentType: string; text(): Promise<string> };
  /** What readers send, as `Authorization: Bearer <token>`: at least 16 characters. It is good for nothing else. */
  token: string;
}

/** What the option says, checked. @throws TypeError for a token that is short, or that no header holds */
export function toMetrics(options: MetricsOptions | undefined): MetricsOptions | null {
  if (options === undefined) return null;
  if (!/^[\x21-\x7e]{16,}$/.test(options.token)) {
    throw new TypeError("metrics: the token needs 16 or more characters of ASCII, without spaces");
  }
  return options;
}

/** `GET /metrics`, with a credential of its own. */
export function metricsFamily({ source, token }: MetricsOptions): RouteFamily {
  const expected = sha256(token);
  const route = publicRoute({
    ...{ method: "GET", path: "/metrics", operationId: "getMetrics", group: "service", limit: "read", auth: "none" },
    summary: "Metrics as text",
    success: { contentType: "text/plain" },
    errors: ["invalid_token"],
    async run() {
      const text = await source.text();
      return { stream: Buffer.from(text), headers: { "content-type": source.contentType } };
    },
  });
  return {
    segments: ["metrics"],
    wholeSegments: [],
    routes: [route],
    spell: ({ url }) => url,
    async identify(exchange: Exchange) {
      const { authorization = "" } = exchange.request.headers;
      const sent = /^(?:Bearer +)?(\S+)$/i.exec(authorization.trim())?.[1] ?? "";
      if (timingSafeEqual(sha256(sent), expected)) {
        // Asked most when the database is away, where limits may be counted.
        exchange.isCounted = true;
        return { caller: visitorOf(exchange.request), check: null };
      }
      const error = new RegistryError("invalid_token");
      await countRefusal(exchange, error);
      throw error;
    },
    toReply: (reply) => reply,
    toFailure: (failure) => failure,
  };
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
