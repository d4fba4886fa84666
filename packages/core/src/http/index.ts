/**
 * The registry over HTTP, for adapters: the route table, and what answers a request that a framework matched with a route.
 * @module
 */
export type { BodyPace } from "./body-pace.ts";
export type { CorsOptions } from "./cors.ts";
export { type RegistryHttp, registryHttp } from "./handle.ts";
export type { MetricsOptions } from "./metrics.ts";
export { errorsOf, openApi } from "./openapi.ts";
export { defaultRateLimits, type HttpOptions, type RateLimitName, type RateLimits } from "./options.ts";
export { isRequestId } from "./request-ids.ts";
export type { BodyKind, Reply, Route, RouteInput, RoutePath } from "./route.ts";
export { routes } from "./routes/index.ts";
export { recommendedServerOptions } from "./server-options.ts";
export type { HttpRequest, HttpResponse } from "./types.ts";
