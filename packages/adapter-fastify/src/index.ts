/**
 * Mounts the registry in a Fastify application: `app.register(registryPlugin, { prefix: "/registry", registry, publicUrl })`.
 * @module
 */
import type { HostUser, Registry } from "@serverless-registry/core";
import {
  type HttpOptions,
  type HttpRequest,
  type HttpResponse,
  type Route,
  registryHttp,
} from "@serverless-registry/core/http";
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";

export type { HttpOptions } from "@serverless-registry/core/http";

/** Options of {@link registryPlugin}, beside Fastify's own `prefix`. */
export interface RegistryPluginOptions extends HttpOptions {
  registry: Registry;
  /**
   * Says which of the host's own users makes a request (from its session, say), or null: then the registry's own tokens count.
   * The user's account is made with their first request.
   */
  authenticate?(request: FastifyRequest): HostUser | null | Promise<HostUser | null>;
}

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const satisfies HTTPMethods[];

/**
 * A Fastify plugin with every route of the registry. The host's hooks and error handler apply; its content type parsers do not,
 * since the registry reads bodies itself. The client's address is Fastify's `request.ip`: its `trustProxy` setting
 * decides whether a proxy is believed.
 * @throws TypeError when the options lack `publicUrl` and `allowedHosts`
 */
export async function registryPlugin(app: FastifyInstance, options: RegistryPluginOptions): Promise<void> {
  const http = registryHttp(options.registry, options);
  const mountPath = app.prefix.replace(/\/+$/, "");
  const { authenticate } = options;
  const toRequest = (request: FastifyRequest) => readRequest(request, mountPath, authenticate);
  const answer = async (route: Route, request: FastifyRequest, reply: FastifyReply) => {
    try {
      send(reply, await http.handle(route, toRequest(request)));
    } catch (error) {
      reply.send(error);
    }
  };
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  for (const { path: url, routes, methods: allowed } of http.paths) {
    for (const route of routes) {
      app.route({
        method: route.method === "GET" ? ["GET", "HEAD"] : route.method,
        url,
        exposeHeadRoute: false,
        bodyLimit: Number.MAX_SAFE_INTEGER,
        handler(request, reply) {
          // Returns nothing that Fastify would wait for once more.
          void answer(route, request, reply);
        },
      });
    }
    const refused = [
      ...(http.answersUnknownPaths(mountPath, url) ? methods.filter((method) => !allowed.includes(method)) : []),
      ...(http.answersOptions ? (["OPTIONS"] as const) : []),
    ];
    if (refused.length === 0) continue;
    app.route({
      method: refused,
      url,
      exposeHeadRoute: false,
      handler: (request, reply) => send(reply, http.refuse(toRequest(request), allowed)),
    });
  }
  app.setErrorHandler((error, request, reply) => {
    // Fastify reads the content type before it calls a handler. All other failures are the host's: hooks of its own.
    if (!isContentTypeFailure(error)) throw error;
    return send(reply, http.fail(toRequest(request), "unsupported_media_type"));
  });
  const refuse = (request: FastifyRequest, reply: FastifyReply) => send(reply, http.refuse(toRequest(request)));
  const refuseAt = (url: string) => app.route({ method: [...methods], url, exposeHeadRoute: false, handler: refuse });
  if (!http.answersUnknownPaths(mountPath)) {
    for (const url of http.wholeSegments.flatMap((segment) => [`/${segment}`, `/${segment}/*`])) refuseAt(url);
    return;
  }
  app.setNotFoundHandler(refuse);
  // Segments that are too long for Fastify's parameters fit here; without it Fastify answers them by itself.
  refuseAt("/*");
}

function isContentTypeFailure(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("FST_ERR_CTP_");
}

function readRequest(
  request: FastifyRequest,
  mountPath: string,
  authenticate: RegistryPluginOptions["authenticate"],
): HttpRequest {
  return {
    method: request.method,
    url: request.originalUrl,
    mountPath,
    params: request.params as Record<string, string>,
    headers: request.headers,
    body: request.raw,
    // A hook of the host's may have read the body without a trace in `request.body`.
    parsedBody: request.body ?? (request.raw.readableDidRead ? {} : undefined),
    address: request.ip,
    protocol: request.protocol,
    requestId: request.id,
    hostUser: authenticate && (() => authenticate(request)),
  };
}

function send(reply: FastifyReply, { status, headers, body }: HttpResponse): FastifyReply {
  if (body !== null && typeof body !== "string" && !Buffer.isBuffer(body)) {
    // A client that has left, or a host that has answered itself: what was opened for them must be closed all the same.
    if (reply.sent || reply.raw.destroyed || reply.raw.writableEnded) {
      body.destroy();
      return reply;
    }
    reply.raw.once("close", () => body.destroy());
  }
  const hostVary = headers.vary === undefined ? undefined : reply.getHeader("vary");
  // The host's own, for its CORS, stays.
  const all = hostVary === undefined ? headers : { ...headers, vary: `${hostVary}, ${headers.vary}` };
  return reply
    .code(status)
    .headers(all)
    .send(body ?? undefined);
}
