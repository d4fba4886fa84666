/**
 * Mounts the registry in an Express application: `app.use("/registry", registryRouter(registry, { publicUrl }))`.
 * @module
 */
import { pipeline, type Readable } from "node:stream";
import type { HostUser, Registry } from "@serverless-registry/core";
import {
  type HttpOptions,
  type HttpRequest,
  type HttpResponse,
  type Route,
  registryHttp,
} from "@serverless-registry/core/http";
import { type NextFunction, type Request, type Response, Router } from "express";

export type { HttpOptions } from "@serverless-registry/core/http";

/** Options of {@link registryRouter}. */
export interface RegistryRouterOptions extends HttpOptions {
  /**
   * Says which of the host's own users makes a request (from its session, say), or null: then the registry's own tokens count.
   * The user's account is made with their first request.
   */
  authenticate?(req: Request): HostUser | null | Promise<HostUser | null>;
}

/**
 * An Express router (Express 4 and 5) with every route of the registry. Mount it before body parsers, or at least before ones that
 * take zip archives and forms; `express.json()` may come before. The client's address is Express's `req.ip`: its
 * `trust proxy` setting decides whether a proxy is believed. A request's id is `req.id`, where your middleware has put a text there.
 * @throws TypeError when the options lack `publicUrl` and `allowedHosts`
 */
export function registryRouter(registry: Registry, options: RegistryRouterOptions): Router {
  const http = registryHttp(registry, options);
  const { authenticate } = options;
  const toRequest = (req: Request) => readRequest(req, authenticate);
  const router = Router({ strict: true, caseSensitive: true });
  const leavesToHost = (req: Request) =>
    req.method === "OPTIONS" ? !http.answersOptions : !http.answersUnknownPaths(req.baseUrl, req.url);
  for (const { path, routes, methods } of http.paths) {
    const atPath = router.route(path);
    for (const route of routes) {
      const verb = route.method.toLowerCase() as Lowercase<Route["method"]>;
      // Express answers HEAD by the GET route.
      atPath[verb](async (req: Request, res: Response) => send(res, await http.handle(route, toRequest(req))));
    }
    atPath.all((req, res, next) => {
      if (leavesToHost(req)) return next();
      send(res, http.refuse(toRequest(req), methods));
    });
  }
  router.use((req: Request, res: Response, next: NextFunction) => {
    if (req.method === "OPTIONS" || !http.answersUnknownPaths(req.baseUrl, req.url)) return next();
    send(res, http.refuse(toRequest(req)));
  });
  router.use((error: unknown, req: Request, res: Response, next: NextFunction) => {
    // A path with broken percent-encoding fails before it reaches a route.
    if (!(error instanceof URIError)) return next(error);
    send(res, http.fail(toRequest(req), "invalid_request"));
  });
  return router;
}

function readRequest(req: Request, authenticate: RegistryRouterOptions["authenticate"]): HttpRequest {
  return {
    method: req.method,
    url: req.originalUrl,
    mountPath: req.baseUrl,
    params: req.params as Record<string, string>,
    headers: req.headers,
    body: req,
    // Express 4's parsers set an empty body on requests they leave alone.
    parsedBody: req.readableDidRead ? (req.body ?? {}) : undefined,
    address: req.ip,
    protocol: req.protocol,
    // Express gives none; middleware for logs and request ids does, here.
    requestId: "id" in req && typeof req.id === "string" ? req.id : undefined,
    hostUser: authenticate && (() => authenticate(req)),
  };
}

function send(res: Response, { status, headers: { vary, ...headers }, body }: HttpResponse): void {
  if (res.destroyed || res.headersSent) {
    // The client has left, or the host has answered itself: what was opened for them must be closed all the same.
    if (isStream(body)) body.destroy();
    return;
  }
  // The host's own, for its CORS, stays.
  if (vary !== undefined) res.vary(vary);
  res.writeHead(status, { ...res.getHeaders(), ...headers, ...lengthOf(body) });
  if (!isStream(body)) return void res.end(body ?? undefined);
  // A client that goes away ends the stream; a stream that breaks ends the connection, so that nobody takes a part for the whole.
  pipeline(body, res, () => {});
}

function isStream(body: HttpResponse["body"]): body is Readable {
  return body !== null && typeof body !== "string" && !Buffer.isBuffer(body);
}

function lengthOf(body: HttpResponse["body"]): Record<string, string> {
  return typeof body === "string" ? { "content-length": String(Buffer.byteLength(body)) } : {};
}
