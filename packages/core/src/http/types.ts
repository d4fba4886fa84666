import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { ErrorCode } from "../errors.ts";
import type { HostUser } from "../operations/sessions.ts";

/** A request as an adapter hands it over: nothing of its body has been read. */
export interface HttpRequest {
  method: string;
  /** Path and query as the client sent them, the mount path included. */
  url: string;
  /** Where the registry is mounted, without a slash at the end; empty at the root. */
  mountPath: string;
  /** The route's parameters, decoded once. */
  params: Readonly<Record<string, string>>;
  headers: IncomingHttpHeaders;
  /** The body's raw bytes. */
  body: Readable;
  /** What a body parser of the host has made of the body before us; undefined when none has touched it. */
  parsedBody?: unknown;
  /** Client's network address, as the host determines it (its own trusted-proxy setting applies). */
  address?: string | undefined;
  /** `http` or `https`, as the host determines it. */
  protocol: string;
  /** The host's own id of the request, where it has one. */
  requestId?: string | undefined;
  /** Who the host says is asking: one of its own users, or null for nobody it knows. Left out: the host has no say. */
  hostUser?: (() => HostUser | null | Promise<HostUser | null>) | undefined;
}

/** An answer for an adapter to send as it is. */
export interface HttpResponse {
  /** The failure that it tells of, for telemetry. */
  code?: ErrorCode;
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** Text, bytes, a stream to send to its end, or nothing. */
  body: string | Buffer | Readable | null;
}
