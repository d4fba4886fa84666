import type { Readable } from "node:stream";
import type { z } from "zod";
import type { Actor, Caller } from "../context.ts";
import type { ErrorCode } from "../errors.ts";
import type { Registry } from "../registry.ts";
import type { RateLimitName } from "./options.ts";
import type { Readiness } from "./readiness.ts";
import type { HttpRequest } from "./types.ts";

/** What a route's `run` gets to work with. */
export interface RouteInput<Body, Who extends Caller> {
  registry: Registry;
  caller: Who;
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  body: Body;
  /** For routes that take an archive: hands its bytes to `use`. */
  withArchive<T>(use: (archive: { body: Readable; expectedSize: number | undefined }) => Promise<T>): Promise<T>;
  /** Makes an address from a path below the registry. */
  url(path: string): string;
  /** For conditional requests and ranges. */
  request: HttpRequest;
  /** How the registry and what it needs are. */
  readiness(): Promise<Readiness>;
}

/** What a route answers. */
export interface Reply {
  /** Default 200. */
  status?: number;
  /** Sent as JSON. */
  json?: unknown;
  /** An object that never changes and stands for `json`: its text is made once and kept as long as the object lives. */
  source?: object;
  headers?: Readonly<Record<string, string>>;
  /** Sent as it is; of bytes that are in memory, all at once. */
  stream?: Readable | Buffer;
  /** Who may keep the answer: nobody (default), every cache after asking again, or the client after asking again. */
  cache?: "none" | "shared" | "client";
}

/** What kind of body a route takes. */
export type BodyKind = "none" | "json" | "form" | "multipart" | "archive";

/** One route: all there is to say about it. Adapters, OpenAPI, the reserved names and the docs come from the table of these. */
export interface Route {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Parameters are written `:name` and stand for one whole segment. */
  path: string;
  /** Name for OpenAPI and for clients. */
  operationId: string;
  summary: string;
  group: "accounts" | "credentials" | "publishing" | "reading" | "packages" | "members" | "service";
  /** `user`: needs a signed-in caller. `anyone`: takes one, needs none. `none`: signs nobody in, and looks at signatures only. */
  auth: "user" | "anyone" | "none";
  /** Which rule counts it. Null: nothing does, and nobody is asked who they are; only for what touches no back-end by itself. */
  limit: RateLimitName | null;
  takes: BodyKind;
  body: z.ZodType | null;
  /** Failure that a body of another shape stands for. */
  invalid: ErrorCode;
  query: Readonly<Record<string, string>>;
  success: { status: number; schema: z.ZodType | null; contentType: string; redirects: boolean };
  /** Failures of this route beside those every route of its kind has. */
  errors: readonly ErrorCode[];
  run(input: RouteInput<never, never>): Promise<Reply>;
}

type Declared = Pick<Route, "method" | "path" | "operationId" | "summary" | "group" | "limit" | "errors">;

interface Options<Body> extends Declared {
  takes?: BodyKind;
  body?: z.ZodType<Body>;
  invalid?: ErrorCode;
  query?: Readonly<Record<string, string>>;
  success?: {
    status?: number;
    schema?: z.ZodType;
    contentType?: string;
    /** Whether it may also send the client on with 302; default false. */
    redirects?: boolean;
  };
}

interface PublicOptions<Body> extends Options<Body> {
  /** Default `anyone`. */
  auth?: "anyone" | "none";
  run(input: RouteInput<Body, Caller>): Promise<Reply>;
}

interface UserOptions<Body> extends Options<Body> {
  run(input: RouteInput<Body, Actor>): Promise<Reply>;
}

/** A route that anybody may call. */
export function publicRoute<Body = undefined>(options: PublicOptions<Body>): Route {
  return declare(options, options.auth ?? "anyone");
}

/** A route for signed-in users. */
export function userRoute<Body = undefined>(options: UserOptions<Body>): Route {
  return declare(options, "user");
}

function declare<Body>(options: Options<Body> & { run: unknown }, auth: Route["auth"]): Route {
  const { success = {}, body = null, query = {}, invalid = "invalid_request", takes, ...rest } = options;
  return {
    ...rest,
    auth,
    body,
    invalid,
    query,
    takes: takes ?? (body === null ? "none" : "json"),
    success: { status: 200, schema: null, contentType: "application/json", redirects: false, ...success },
    run: options.run as Route["run"],
  };
}

/** Everything that is mounted at one path. */
export interface RoutePath {
  path: string;
  routes: readonly Route[];
  /** Methods that the path has, HEAD with GET. */
  methods: readonly string[];
}

/** Groups a table by path. */
export function routePaths(table: readonly Route[]): RoutePath[] {
  return [...Map.groupBy(table, (route) => route.path)].map(([path, routes]) => ({
    path,
    routes,
    methods: routes.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method])),
  }));
}
