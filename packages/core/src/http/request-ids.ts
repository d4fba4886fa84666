import { randomUUID } from "node:crypto";
import type { HttpRequest } from "./types.ts";

/** What an id may be: it comes back in a header, and stands in logs and in the audit log. */
const wellFormed = /^[\w.~:+/=@-]{1,64}$/;

/**
 * The same request with an id, which its answer, its lines of log and its changes bear: the one it was sent with, if that is to be
 * believed, else the host's, else a new one.
 */
export function identified(request: HttpRequest, trustsSent: boolean): HttpRequest {
  const sent = trustsSent ? request.headers["x-request-id"] : undefined;
  const given = [sent, request.requestId].find((id) => typeof id === "string" && wellFormed.test(id));
  return { ...request, requestId: typeof given === "string" ? given : randomUUID() };
}
