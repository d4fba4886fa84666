import { randomUUID } from "node:crypto";
import type { HttpRequest } from "./types.ts";

/** Whether the registry takes something as the id of a request: it comes back in a header, and stands in logs and in the audit log. */
export function isRequestId(id: unknown): id is string {
  return typeof id === "string" && /^[\w.~:+/=@-]{1,64}$/.test(id);
}

/**
 * The same request with an id, which its answer, its lines of log and its changes bear: the one it was sent with, if that is to be
 * believed, else the host's, else a new one.
 */
export function identified(request: HttpRequest, trustsSent: boolean): HttpRequest {
  const sent = trustsSent ? request.headers["x-request-id"] : undefined;
  const given = isRequestId(sent) ? sent : request.requestId;
  return { ...request, requestId: isRequestId(given) ? given : randomUUID() };
}
