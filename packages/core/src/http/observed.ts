import { finished } from "node:stream/promises";
import type { RateLimiter } from "../ports/rate-limiter.ts";
import type { TelemetryAttributes } from "../ports/telemetry.ts";
import type { Observer } from "../telemetry.ts";
import { LingeringAnswer } from "./body-pace.ts";
import type { RegistryHttp } from "./handle.ts";
import type { HttpRequest, HttpResponse } from "./types.ts";

/** The same, and each request and each sending of an archive is told of. */
export function observedHttp(http: RegistryHttp, observer: Observer): RegistryHttp {
  const spanOf = (request: HttpRequest, path: string | null) => {
    const method = methods.has(request.method) ? request.method : "_OTHER";
    return {
      kind: "http.server" as const,
      name: path === null ? method : `${method} ${path}`,
      attributes: {
        "http.request.method": method,
        "url.scheme": request.protocol === "https" ? "https" : "http",
        ...(path === null ? {} : { "http.route": path }),
        ...sizeOf(request.headers["content-length"], "http.request.body.size"),
      },
    };
  };
  const without = (request: HttpRequest, answer: () => HttpResponse) =>
    observer.run(spanOf(request, null), answer, toAttributes);
  return {
    ...http,
    async handle(route, request) {
      const span = spanOf(request, route.path);
      const response = await observer.run(span, () => http.handle(route, request), toAttributes);
      const { body, headers } = response;
      if (isWhole(body)) return response;
      const sending = { ...span, kind: "http.send" as const, name: `send ${route.path}` };
      const size = sizeOf(headers["content-length"], "http.response.body.size");
      // Who goes away while it is sent is no failure of anybody here.
      observer
        .run(
          sending,
          () => finished(body),
          () => size,
        )
        .catch(() => undefined);
      return response;
    },
    refuse: (request, allowed) => without(request, () => http.refuse(request, allowed)),
    fail: (request, code) => without(request, () => http.fail(request, code)),
  };
}

/** The same limiter, whose refusals are told of. */
export function observedLimiter(limiter: RateLimiter, observer: Observer): RateLimiter {
  return {
    async take(rule, key) {
      const verdict = await limiter.take(rule, key);
      if (!verdict.allowed) {
        observer.event({ name: "rate_limit.refused", attributes: { "registry.rate_limit.rule": rule.name } });
      }
      return verdict;
    },
    ...(limiter.check && { check: async () => limiter.check?.() }),
  };
}

/** Any other stands for all of them: a client could invent as many as it likes. */
const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

function toAttributes({ status, code, headers, body }: HttpResponse): TelemetryAttributes {
  return {
    "http.response.status_code": status,
    ...(code === undefined ? {} : { "registry.error.code": code }),
    ...(status < 500 ? {} : { "error.type": code ?? String(status) }),
    ...(typeof body === "string" || Buffer.isBuffer(body)
      ? { "http.response.body.size": Buffer.byteLength(body) }
      : {}),
    ...(body instanceof LingeringAnswer ? sizeOf(headers["content-length"], "http.response.body.size") : {}),
    ...(headers["x-request-id"] === undefined ? {} : { "registry.request.id": headers["x-request-id"] }),
  };
}

/** Not an archive, which is told of by itself while it is sent. */
function isWhole(body: HttpResponse["body"]): body is string | Buffer | LingeringAnswer | null {
  return body === null || typeof body === "string" || Buffer.isBuffer(body) || body instanceof LingeringAnswer;
}

function sizeOf(length: string | undefined, name: string): TelemetryAttributes {
  return length !== undefined && /^\d{1,15}$/.test(length) ? { [name]: Number(length) } : {};
}
