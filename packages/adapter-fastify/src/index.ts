/**
 * Mounts the registry in a Fastify application: `app.register(registryPlugin, { prefix: "/registry", registry, publicUrl })`.
 * @module
 */
import type { Registry } from "@serverless-registry/core";
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
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  for (const [url, routes] of Map.groupBy(http.routes, (route) => route.path)) {
    const allowed = allowedMethods(routes);
    for (const route of routes) {
      app.route({
        method: route.method === "GET" ? ["GET", "HEAD"] : route.method,
        url,
        exposeHeadRoute: false,
        bodyLimit: Number.MAX_SAFE_INTEGER,
        handler: async (request, reply) => send(reply, await http.handle(route, toRequest(request, mountPath))),
      });
    }
    const others = methods.filter((method) => !allowed.includes(method));
    app.route({
      method: others,
      url,
      exposeHeadRoute: false,
      handler: (request, reply) => send(reply, http.refuse(toRequest(request, mountPath), allowed)),
    });
  }
  if (!http.answersUnknownPaths(mountPath)) return;
  app.setNotFoundHandler((request, reply) => send(reply, http.refuse(toRequest(request, mountPath))));
}

function allowedMethods(routes: readonly Route[]): string[] {
  return routes.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method]));
}

function toRequest(request: FastifyRequest, mountPath: string): HttpRequest {
  return {
    method: request.method,
    url: request.originalUrl,
    mountPath,
    params: request.params as Record<string, string>,
    headers: request.headers,
    body: request.raw,
    parsedBody: request.body,
    address: request.ip,
    protocol: request.protocol,
    requestId: request.id,
  };
}

function send(reply: FastifyReply, { status, headers, body }: HttpResponse): FastifyReply {
  return reply
    .code(status)
    .headers(headers)
    .send(body ?? undefined);
}
