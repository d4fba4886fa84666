import type { Caller, Origin, Visitor } from "../context.ts";
import { RegistryError } from "../errors.ts";
import type { SignatureCheck } from "../operations/signatures.ts";
import type { Registry } from "../registry.ts";
import { addressKey } from "./addresses.ts";
import type { AuthMode, HttpSettings } from "./options.ts";
import type { Readiness } from "./readiness.ts";
import type { Route } from "./route.ts";
import { beginCheck, isSigned, verifyEmpty, verifyKept } from "./signatures.ts";
import { type Throttled, throttle } from "./throttle.ts";
import type { HttpRequest } from "./types.ts";

/** Where a request comes from. */
export function originOf(request: HttpRequest): Origin {
  const clientId = request.headers["x-client-id"];
  return {
    address: request.address,
    requestId: request.requestId,
    clientId: typeof clientId === "string" && /^[\x21-\x7e]{1,128}$/.test(clientId) ? clientId : undefined,
  };
}

/** Who makes a request that shows nothing of them. */
export function visitorOf(request: HttpRequest): Visitor {
  // What is spread first is copied fastest.
  return { ...originOf(request), kind: "visitor" };
}

/** Who makes a request, and what is left to verify of it. */
export interface Credentials {
  caller: Caller;
  /** For signed requests: it is to be finished with the body before anything is changed or told. */
  check: SignatureCheck | null;
}

/** A request that a route is to answer, and what has become of it so far. */
export interface Exchange extends Throttled {
  registry: Registry;
  settings: HttpSettings;
  route: Route;
  request: HttpRequest;
  /** Whether it has been counted under who shows in it. */
  isCounted: boolean;
  readiness: () => Promise<Readiness>;
}

/**
 * Under which key attempts are counted. Who signed an archive is known only when it has ended: null until then. An account more
 * must not buy more attempts to make accounts, nor to sign in to others.
 */
export function counterKey({ route, request }: Exchange, caller: Caller | null): string {
  if (caller?.kind !== "user" || route.auth === "none") return addressKey(request.address);
  if (route.limit === "register" && !caller.isAdmin) return addressKey(request.address);
  return `user ${caller.userId}`;
}

/**
 * Counts a request of which it is known who makes it, and that they do.
 * @throws rate_limited
 */
export function admit(exchange: Exchange, caller: Caller): Promise<void> {
  exchange.isCounted = true;
  return throttle(exchange, exchange.route.limit, counterKey(exchange, caller));
}

/**
 * Counts a request whose credentials do not hold by its address. One that a limit has refused is counted already.
 * @throws rate_limited
 */
export async function countRefusal(exchange: Exchange, error: unknown): Promise<void> {
  if (RegistryError.is(error, "rate_limited")) return;
  await throttle(exchange, exchange.route.limit, addressKey(exchange.request.address));
}

/** A request that shows nothing of who makes it, to a route that does not ask: nothing has to be waited for. */
function unshown({ route, request }: Exchange): Credentials | null {
  if (route.auth === "user" || request.hostUser !== undefined) return null;
  if (request.headers.authorization !== undefined || isSigned(request)) return null;
  return { caller: visitorOf(request), check: null };
}

/** Who asks, in a request that a route is to answer. */
export function identify(exchange: Exchange): Credentials | Promise<Credentials> {
  return unshown(exchange) ?? identifyShown(exchange);
}

/** The same by what shows in the request. Its signature is verified then, unless an archive is still to come: `check` is left for that. */
async function identifyShown(exchange: Exchange): Promise<Credentials> {
  const { settings, route, request } = exchange;
  try {
    const { caller, check } = await credentialsOf(exchange);
    if (route.auth === "user" && caller.kind !== "user") throw new RegistryError("invalid_token");
    if (check === null || takesArchive(route)) return { caller, check };
    const limits = { maxBytes: settings.jsonBytes, pace: settings.bodyPace };
    if (route.takes === "none") await verifyEmpty(request, check);
    else exchange.request = await verifyKept(request, check, limits);
    return { caller, check: null };
  } catch (error) {
    await countRefusal(exchange, error);
    throw error;
  }
}

/**
 * Who makes a request: the user the host vouches for, else the bearer of its token; and who signed it, who must be the same. Nobody
 * of them: a visitor. The mode decides which of them are needed; all that are there must be good. A route that signs nobody in
 * has visitors only, whatever they sign.
 * @throws invalid_token for a token that is not live or is missing, signature_required, what `signatures.begin` and `actAs` throw
 */
async function credentialsOf(exchange: Exchange): Promise<Credentials> {
  const { registry, settings, route, request } = exchange;
  const signed = isSigned(request);
  if (route.auth === "none") {
    const caller = visitorOf(request);
    return { caller, check: signed ? await checkOf(exchange, caller) : null };
  }
  const bearer = await bearerOf(registry, request);
  const isAsked = route.auth === "user" || signed || bearer.kind === "user";
  if (isAsked) requireMode(settings.auth, { token: bearer.kind === "user", signature: signed });
  if (!signed) return { caller: bearer, check: null };
  const check = await checkOf(exchange, bearer);
  return { caller: check.actor, check };
}

function checkOf(exchange: Exchange, caller: Caller): Promise<SignatureCheck> {
  const { registry, settings, route, request } = exchange;
  return beginCheck({
    ...{ registry, request, settings: settings.signatures, caller, takesArchive: takesArchive(route) },
    admit: (signer) => admit(exchange, signer),
  });
}

/** Whether what a route takes is too large to be kept in memory. */
function takesArchive({ takes }: Route): boolean {
  return takes === "archive" || takes === "multipart";
}

function requireMode(mode: AuthMode, shown: { token: boolean; signature: boolean }): void {
  const needsToken = mode === "token" || mode === "both" || (mode === "either" && !shown.signature);
  if (needsToken && !shown.token) throw new RegistryError("invalid_token");
  if ((mode === "signature" || mode === "both") && !shown.signature) throw new RegistryError("signature_required");
}

async function bearerOf(registry: Registry, request: HttpRequest): Promise<Caller> {
  const hostUser = request.hostUser === undefined ? null : await request.hostUser();
  if (hostUser) return registry.sessions.actAs(hostUser, originOf(request));
  const { authorization } = request.headers;
  if (authorization === undefined) return visitorOf(request);
  const token = /^(?:Bearer +)?([A-Za-z0-9_-]{1,200})$/i.exec(authorization.trim())?.[1];
  if (token === undefined) throw new RegistryError("invalid_token");
  return registry.sessions.authenticate(token, originOf(request));
}
