import { type ErrorCode, RegistryError } from "../errors.ts";
import type { Registry } from "../registry.ts";
import { baseUrl, isPlainPath } from "./addresses.ts";
import { answer } from "./answer.ts";
import { dropRest, lingering } from "./body-pace.ts";
import { preflight, withCors } from "./cors.ts";
import type { Exchange } from "./credentials.ts";
import { familyFinder, firstSegment, routeFamilies } from "./families.ts";
import { observedHttp, observedLimiter } from "./observed.ts";
import { type HttpOptions, type HttpSettings, toSettings } from "./options.ts";
import { readinessOf } from "./readiness.ts";
import { identified } from "./request-ids.ts";
import { jsonMemo, toFailure, toResponse } from "./respond.ts";
import { type Route, type RoutePath, routePaths } from "./route.ts";
import type { HttpRequest, HttpResponse } from "./types.ts";

/** The registry over HTTP, for an adapter to mount in its framework. */
export interface RegistryHttp {
  /** Every route, to be mounted under its method (GET also as HEAD) and path. */
  readonly routes: readonly Route[];
  /** The same, grouped by path. */
  readonly paths: readonly RoutePath[];
  /** Answers a request that the framework matched with a route. Never rejects. */
  handle(route: Route, request: HttpRequest): Promise<HttpResponse>;
  /**
   * Answers a request for a path that is no route's (404), or with a method its path does not have: 405 with `Allow`, or what a
   * browser wants to know that asks with OPTIONS.
   */
  refuse(request: HttpRequest, allowedMethods?: readonly string[]): HttpResponse;
  /** Answers a request that failed before it came to a route, like one with a broken path. */
  fail(request: HttpRequest, code: ErrorCode): HttpResponse;
  /**
   * Whether unknown paths are answered here or passed on to the host: `path`, which is one below the mount path, or without it those
   * outside of `wholeSegments`.
   */
  answersUnknownPaths(mountPath: string, path?: string): boolean;
  /** First segments below which every path is answered here, at the root as well: their clients understand no answer of the host's. */
  readonly wholeSegments: readonly string[];
  /** Whether OPTIONS is answered here (the option `cors` is set) or left to the host. */
  readonly answersOptions: boolean;
}

/**
 * Makes the registry ready for an adapter.
 * @throws TypeError when the options lack `publicUrl` and `allowedHosts`
 */
export function registryHttp(registry: Registry, options: HttpOptions): RegistryHttp {
  const settings = toSettings(options);
  const { telemetry } = registry;
  if (telemetry === null) return plainHttp(registry, options, settings);
  const observed = { ...settings, limiter: observedLimiter(settings.limiter, telemetry) };
  return observedHttp(plainHttp(registry, options, observed), telemetry);
}

function plainHttp(registry: Registry, options: HttpOptions, settings: HttpSettings): RegistryHttp {
  const memo = jsonMemo();
  const families = routeFamilies(settings);
  const table = families.flatMap((family) => family.routes);
  const familyOf = familyFinder(families);
  const wholeSegments = families.flatMap((family) => family.wholeSegments);
  const finish = (request: HttpRequest, response: HttpResponse) => {
    const headers = { ...response.headers, "x-request-id": request.requestId ?? "" };
    const whole = lingering(request, { ...response, headers });
    dropRest(request.body, settings.bodyPace);
    return withCors(settings.cors, request, whole);
  };
  const readiness = readinessOf(registry, settings.limiter);
  const named = (request: HttpRequest) => identified(request, settings.trustRequestIds);
  const failed = (error: unknown, request: HttpRequest) =>
    familyOf(request).toFailure(toFailure(error, registry, request), request);
  const fail = (request: HttpRequest, code: ErrorCode) => finish(request, failed(new RegistryError(code), request));
  return {
    routes: table,
    paths: routePaths(table),
    async handle(route, given) {
      const request = named(given);
      const exchange: Exchange = { registry, settings, route, request, readiness, isCounted: false, rateHeaders: null };
      let response: HttpResponse;
      try {
        const family = familyOf(request);
        const reply = family.toReply(await answer(exchange, family), request);
        response = toResponse(reply, route.success.status, { request, memo, base: () => baseUrl(settings, request) });
      } catch (error) {
        response = failed(error, request);
      }
      if (exchange.rateHeaders !== null)
        response = { ...response, headers: { ...response.headers, ...exchange.rateHeaders } };
      return finish(request, response);
    },
    refuse(given, allowedMethods) {
      const request = named(given);
      if (allowedMethods === undefined || !isPlainPath(familyOf(request).spell(request)))
        return fail(request, "not_found");
      if (request.method === "OPTIONS" && settings.cors !== null) return finish(request, preflight(allowedMethods));
      const response = fail(request, "method_not_allowed");
      return { ...response, headers: { ...response.headers, allow: allowedMethods.join(", ") } };
    },
    fail: (request, code) => fail(named(request), code),
    answersUnknownPaths: (mountPath, path = "") =>
      (options.unknownPaths ?? (mountPath === "" ? "pass" : "answer")) === "answer" ||
      wholeSegments.includes(firstSegment(path)),
    wholeSegments,
    answersOptions: settings.cors !== null,
  };
}
