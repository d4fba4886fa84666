import type { z } from "zod";
import type { Actor, Caller } from "../context.ts";
import { type ErrorCode, RegistryError } from "../errors.ts";
import type { Registry } from "../registry.ts";
import { addressKey, baseUrl, isPlainPath } from "./addresses.ts";
import { promisedSize, rawBody, readJson, readRest } from "./bodies.ts";
import { callerOf, originOf } from "./credentials.ts";
import { isMultipart, withPackageFile } from "./multipart.ts";
import { type HttpOptions, type HttpSettings, type RateLimitName, toSettings } from "./options.ts";
import { jsonMemo, toFailure, toResponse } from "./respond.ts";
import type { Route, RouteInput } from "./route.ts";
import { routes } from "./routes/index.ts";
import type { HttpRequest, HttpResponse } from "./types.ts";

/** The registry over HTTP, for an adapter to mount in its framework. */
export interface RegistryHttp {
  /** Every route, to be mounted under its method (GET also as HEAD) and path. */
  readonly routes: readonly Route[];
  /** Answers a request that the framework matched with a route. Never rejects. */
  handle(route: Route, request: HttpRequest): Promise<HttpResponse>;
  /** Answers a request for a path that is no route's (404), or with a method its path does not have (405 with `Allow`). */
  refuse(request: HttpRequest, allowedMethods?: readonly string[]): HttpResponse;
  /** Answers a request that failed before it came to a route, like one with a broken path. */
  fail(request: HttpRequest, code: ErrorCode): HttpResponse;
  /** Whether unknown paths are answered here or passed on to the host. */
  answersUnknownPaths(mountPath: string): boolean;
}

interface Exchange {
  registry: Registry;
  settings: HttpSettings;
  route: Route;
  request: HttpRequest;
}

/**
 * Makes the registry ready for an adapter.
 * @throws TypeError when the options lack `publicUrl` and `allowedHosts`
 */
export function registryHttp(registry: Registry, options: HttpOptions): RegistryHttp {
  const settings = toSettings(options);
  const memo = jsonMemo();
  const fail = (request: HttpRequest, code: ErrorCode) => toFailure(new RegistryError(code), registry, request);
  return {
    routes,
    async handle(route, request) {
      try {
        const reply = await answer({ registry, settings, route, request });
        return toResponse(reply, route.success.status, { request, memo, base: () => baseUrl(settings, request) });
      } catch (error) {
        await readRest(request);
        return toFailure(error, registry, request);
      }
    },
    refuse(request, allowedMethods) {
      if (allowedMethods === undefined || !isPlainPath(request.url)) return fail(request, "not_found");
      const response = fail(request, "method_not_allowed");
      return { ...response, headers: { ...response.headers, allow: allowedMethods.join(", ") } };
    },
    fail,
    answersUnknownPaths: (mountPath) => (options.unknownPaths ?? (mountPath === "" ? "pass" : "answer")) === "answer",
  };
}

/** The order of every request: is the path ours, who asks, how often, is the body well-formed, then the operation decides. */
async function answer(exchange: Exchange) {
  const { registry, settings, route, request } = exchange;
  if (!isPlainPath(request.url)) throw new RegistryError("not_found");
  const caller = await identify(exchange);
  await throttle(settings, route.limit, caller.kind === "user" ? `user ${caller.userId}` : addressKey(request.address));
  const body = route.body === null ? undefined : await readBody(exchange, route.body);
  const input: RouteInput<unknown, Caller> = {
    registry,
    caller,
    params: request.params,
    query: queryOf(request.url),
    body,
    withArchive: (use) => withArchive(exchange, use),
    url: (path) => baseUrl(settings, request) + path,
    request,
  };
  return route.run(input as RouteInput<never, never>);
}

async function identify({ registry, settings, route, request }: Exchange): Promise<Caller> {
  if (route.auth === "none") return { kind: "visitor", ...originOf(request) };
  try {
    const caller = await callerOf(registry, request);
    if (route.auth === "user" && caller.kind !== "user") throw new RegistryError("invalid_token");
    return caller as Actor;
  } catch (error) {
    // Attempts with bad credentials are counted by address.
    await throttle(settings, route.limit, addressKey(request.address));
    throw error;
  }
}

async function throttle(settings: HttpSettings, name: RateLimitName, key: string): Promise<void> {
  if (settings.rules === null) return;
  const verdict = await settings.limiter.take(settings.rules[name], key);
  if (!verdict.allowed) throw new RegistryError("rate_limited", { retryAfterMs: verdict.retryAfterMs });
}

async function readBody({ settings, route, request }: Exchange, schema: z.ZodType): Promise<unknown> {
  const { invalid } = route;
  const body = await readJson(request, { schema, invalid, maxBytes: settings.jsonBytes });
  // A password change is counted under its user already.
  if (route.limit === "login" && route.auth !== "user") {
    const { username } = body as { username: string };
    await throttle(settings, "login_account", username.toLowerCase().slice(0, 100));
  }
  return body;
}

const noQuery = new URLSearchParams();

function queryOf(url: string): URLSearchParams {
  const start = url.indexOf("?");
  return start === -1 ? noQuery : new URLSearchParams(url.slice(start + 1));
}

async function withArchive<T>(
  { route, request }: Exchange,
  use: Parameters<RouteInput<unknown, Caller>["withArchive"]>[0],
): Promise<T> {
  const take = use as (archive: Parameters<typeof use>[0]) => Promise<T>;
  if (route.takes === "multipart") {
    if (!isMultipart(request)) throw new RegistryError("no_file", { details: { expected: "multipart/form-data" } });
    return withPackageFile(request, (body) => take({ body, expectedSize: undefined }));
  }
  if (isMultipart(request)) {
    throw new RegistryError("unsupported_media_type", { details: { expected: "application/zip" } });
  }
  const body = rawBody(request);
  // What an operation that fails early leaves unread must not keep the client from reading the answer.
  return take({ body, expectedSize: promisedSize(request) }).finally(() => body.destroy());
}
