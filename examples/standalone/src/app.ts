import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type ErrorCode, errors } from "@serverless-registry/core";
import {
  type ConnectionError,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from "fastify";
import type { Config } from "./config.ts";
import { requestIds } from "./request-ids.ts";

/** The requests that are being answered. */
export interface RunningRequests {
  count(): number;
  /** Waits until none is left; false when that takes longer than `timeoutMs`. */
  finished(timeoutMs: number): Promise<boolean>;
}

const HEADERS_TIMEOUT_MS = 15_000;
/** A whole request, archive included, has to arrive in this time. */
const REQUEST_TIMEOUT_MS = 30 * 60_000;

/** A Fastify application as the registry wants it: limits, one line of log per finished request, failures in the registry's shape. */
export function createApp(config: Config): { app: FastifyInstance; running: RunningRequests } {
  const app = fastify({
    logger: { level: config.logLevel },
    // Fastify's own lines hold the address of the request, and an address may hold an upload id or a signature.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    genReqId: requestIds(config.trustedProxies),
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: 5000 },
    requestTimeout: REQUEST_TIMEOUT_MS,
    // No parameter is longer than an address can be: the registry itself says that it does not know such a name.
    routerOptions: { maxParamLength: 64 * 1024 },
    // No route of the registry has a schema of Fastify's. Without these Fastify would load what compiles such schemas.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    // A request that comes in on an open connection while the server stops is answered, and is the connection's last.
    return503OnClosing: false,
    ...(config.trustedProxies.length > 0 ? { trustProxy: config.trustedProxies } : {}),
    frameworkErrors(error, request, reply) {
      sendFailure(request, reply, error.code === "FST_ERR_BAD_URL" ? "invalid_request" : "not_found");
    },
    clientErrorHandler,
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    // What Fastify refuses by itself, such as a content type that is none, is the client's mistake.
    const isRefusal = error.statusCode !== undefined && error.statusCode < 500;
    if (!isRefusal) request.log.error({ err: error }, "request failed outside of the registry");
    const refusal = error.statusCode === 415 ? "unsupported_media_type" : "invalid_request";
    sendFailure(request, reply, isRefusal ? refusal : "internal");
  });
  return { app, running: watchRequests(app) };
}

function noSchemas(): never {
  throw new Error("This application was to have no route with a schema of Fastify's");
}

function watchRequests(app: FastifyInstance): RunningRequests {
  let count = 0;
  let onIdle = () => {};
  app.addHook("onRequest", async (request, reply) => {
    count += 1;
    // Not the hook onResponse: a client that goes away while it sends is never told of there.
    reply.raw.once("close", () => {
      count -= 1;
      if (count === 0) onIdle();
      logRequest(request, reply);
    });
  });
  return {
    count: () => count,
    async finished(timeoutMs) {
      if (count === 0) return true;
      const idle = new Promise<true>((resolve) => {
        onIdle = () => resolve(true);
      });
      const timer = new AbortController();
      const late = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false);
      const result = await Promise.race([idle, late]);
      timer.abort();
      return result;
    },
  };
}

/** One line per request, with the route's pattern in place of the address. */
function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  const { method, routeOptions, ip: address } = request;
  const status = reply.statusCode;
  const ms = Math.round(reply.elapsedTime * 10) / 10;
  const isComplete = reply.raw.writableFinished;
  request.log.info(
    { method, route: routeOptions.url, status, address, ms },
    isComplete ? "answered" : "the client went away",
  );
}

function sendFailure({ id, url }: FastifyRequest, reply: FastifyReply, code: ErrorCode): void {
  const failure = /^\/v3(?![^/?])/.test(url) ? inEnvelope(code, id) : failureBody(code);
  reply.code(errors[code].status).headers({ "x-request-id": id, "cache-control": "no-store" }).send(failure);
}

function failureBody(code: ErrorCode) {
  return { error: errors[code].message, code };
}

/** The same for Serverless Devs clients, which take an answer without `body` for a success. */
function inEnvelope(code: ErrorCode, requestId: string) {
  return { ...failureBody(code), body: errors[code].message, request_id: requestId };
}

/** Answers what is not even HTTP. The bytes that were received stay out of the log: they may hold credentials. */
function clientErrorHandler(this: FastifyInstance, error: ConnectionError, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  const requestId = randomUUID();
  this.log.debug({ requestId, code: error.code }, "a client sent what is not HTTP, or too slowly");
  if (socket.writable) {
    // Nobody knows what it asked for: it may be one of the clients that need the envelope.
    const body = JSON.stringify(inEnvelope("invalid_request", requestId));
    const head = [
      `HTTP/1.1 ${statusLine(error.code)}`,
      "Content-Type: application/json; charset=utf-8",
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${requestId}`,
      "Connection: close",
    ];
    socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  }
  socket.destroy(error);
}

function statusLine(code: string): string {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return "408 Request Timeout";
  if (code === "HPE_HEADER_OVERFLOW") return "431 Request Header Fields Too Large";
  return "400 Bad Request";
}
