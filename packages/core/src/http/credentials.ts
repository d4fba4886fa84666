import type { Caller, Origin } from "../context.ts";
import { RegistryError } from "../errors.ts";
import type { Registry } from "../registry.ts";
import type { HttpRequest } from "./types.ts";

const signatureHeaders = ["x-api-key", "x-timestamp", "x-nonce", "x-signature"];

/** Where a request comes from. */
export function originOf(request: HttpRequest): Origin {
  const clientId = request.headers["x-client-id"];
  return {
    address: request.address,
    requestId: request.requestId,
    clientId: typeof clientId === "string" && /^[\x21-\x7e]{1,128}$/.test(clientId) ? clientId : undefined,
  };
}

/**
 * Who makes a request: the user the host vouches for, else the bearer of its token, else a visitor.
 * @throws invalid_token for a token that is not live, signature_unsupported for signature headers, and what `actAs` throws
 */
export async function callerOf(registry: Registry, request: HttpRequest): Promise<Caller> {
  const { headers } = request;
  if (signatureHeaders.some((name) => headers[name] !== undefined)) throw new RegistryError("signature_unsupported");
  const origin = originOf(request);
  const hostUser = await request.hostUser?.();
  if (hostUser) return registry.sessions.actAs(hostUser, origin);
  const { authorization } = headers;
  if (authorization === undefined) return { kind: "visitor", ...origin };
  const token = /^(?:Bearer +)?([A-Za-z0-9_-]{1,200})$/i.exec(authorization.trim())?.[1];
  if (token === undefined) throw new RegistryError("invalid_token");
  return registry.sessions.authenticate(token, origin);
}
