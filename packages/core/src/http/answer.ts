import type { Readable } from "node:stream";
import type { z } from "zod";
import type { Caller } from "../context.ts";
import { RegistryError } from "../errors.ts";
import type { SignatureCheck } from "../operations/signatures.ts";
import { baseUrl, isPlainPath } from "./addresses.ts";
import { type BodyLimits, promisedSize, rawBody, readForm, readJson } from "./bodies.ts";
import { type Credentials, counterKey, type Exchange, visitorOf } from "./credentials.ts";
import type { RouteFamily } from "./families.ts";
import { formBytes, isMultipart, withPackageFile } from "./multipart.ts";
import type { Reply, Route, RouteInput } from "./route.ts";
import { verifyPassing } from "./signatures.ts";
import { throttle } from "./throttle.ts";

/**
 * The order of every request: is the path ours, who asks, how often, is the body well-formed, then the operation decides. Each step
 * waits only if there is something to wait for: a read of what is in memory costs little more than its awaits. Fails at once or later:
 * await it where failures are caught.
 * @throws not_found, and what it rejects with
 */
export function answer(exchange: Exchange, family: RouteFamily): Promise<Reply> {
  if (!isPlainPath(family.spell(exchange.request))) throw new RegistryError("not_found");
  if (exchange.route.limit === null) return run(exchange, visitorOf(exchange.request), "");
  const credentials = family.identify(exchange);
  if (credentials instanceof Promise) return credentials.then((shown) => answerTo(exchange, shown));
  return answerTo(exchange, credentials);
}

function answerTo(exchange: Exchange, { caller, check }: Credentials): Promise<Reply> {
  const counted = counterKey(exchange, check === null || check.isAuthenticated ? caller : null);
  const go = () => (check === null ? run(exchange, caller, counted) : runSigned(exchange, { caller, check, counted }));
  if (exchange.isCounted || exchange.settings.rules === null) return go();
  return throttle(exchange, exchange.route.limit, counted).then(go);
}

async function runSigned(exchange: Exchange, asked: { caller: Caller; check: SignatureCheck; counted: string }) {
  const passing = verifyPassing(exchange.request, asked.check, signedLimits(exchange));
  exchange.request = passing.request;
  try {
    return await run(exchange, asked.caller, asked.counted);
  } finally {
    await passing.settle();
  }
}

function signedLimits({ registry, settings, request }: Exchange): BodyLimits {
  const maxBytes = registry.limits.uploadBytes + (isMultipart(request) ? formBytes : 0);
  return { maxBytes, pace: settings.bodyPace };
}

function run(exchange: Exchange, caller: Caller, counted: string): Promise<Reply> {
  const { settings, route, request } = exchange;
  if (route.body === null) return perform(exchange, caller, { counted, body: undefined });
  return readBody(exchange, route.body).then(async (body) => {
    const reply = await perform(exchange, caller, { counted, body });
    if (isSignIn(route)) settings.networks.remember(nameIn(body), request.address);
    return reply;
  });
}

function perform(exchange: Exchange, caller: Caller, { counted, body }: { counted: string; body: unknown }) {
  const { registry, settings, route, request } = exchange;
  const input: RouteInput<unknown, Caller> = {
    registry,
    caller,
    params: request.params,
    query: queryOf(request.url),
    body,
    withArchive: (use) => {
      const take = () => withArchive(exchange, use);
      return settings.uploads === null ? take() : settings.uploads.run(counted, take);
    },
    url: (path) => baseUrl(settings, request) + path,
    request,
    readiness: exchange.readiness,
  };
  return route.run(input as RouteInput<never, never>);
}

async function readBody(exchange: Exchange, schema: z.ZodType): Promise<unknown> {
  const { settings, route, request } = exchange;
  const { invalid } = route;
  const read = route.takes === "form" ? readForm : readJson;
  const body = await read(request, { schema, invalid, maxBytes: settings.jsonBytes, pace: settings.bodyPace });
  if (isSignIn(route))
    await throttle(exchange, "login_account", settings.networks.counterKey(nameIn(body), request.address));
  return body;
}

/** A password change is counted under its user already. */
function isSignIn(route: Route): boolean {
  return route.limit === "login" && route.auth !== "user";
}

function nameIn(body: unknown): string {
  return (body as { username: string }).username;
}

const noQuery = new URLSearchParams();

function queryOf(url: string): URLSearchParams {
  const start = url.indexOf("?");
  return start === -1 ? noQuery : new URLSearchParams(url.slice(start + 1));
}

async function withArchive<T>(
  { settings, route, request }: Exchange,
  use: (archive: { body: Readable; expectedSize: number | undefined }) => Promise<T>,
): Promise<T> {
  if (route.takes === "multipart") {
    if (!isMultipart(request)) throw new RegistryError("no_file", { details: { expected: "multipart/form-data" } });
    return withPackageFile(request, settings.bodyPace, (body) => use({ body, expectedSize: undefined }));
  }
  if (isMultipart(request)) {
    throw new RegistryError("unsupported_media_type", { details: { expected: "application/zip" } });
  }
  const body = rawBody(request, settings.bodyPace);
  // What an operation that fails early leaves unread must not keep the client from reading the answer.
  return use({ body, expectedSize: promisedSize(request) }).finally(() => body.destroy());
}
