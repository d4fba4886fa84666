import { type Credentials, type Exchange, identify } from "./credentials.ts";
import { metricsFamily } from "./metrics.ts";
import type { HttpSettings } from "./options.ts";
import type { Reply, Route } from "./route.ts";
import { routes } from "./routes/index.ts";
import { serverlessDevsV2 } from "./serverless-devs/v2.ts";
import { serverlessDevsV3 } from "./serverless-devs/v3.ts";
import type { HttpRequest, HttpResponse } from "./types.ts";

/** Routes that share how clients say who they are, and how answers and failures look. */
export interface RouteFamily {
  /** First segments of its paths; the family without any has all that are left. */
  readonly segments: readonly string[];
  /** Those of them that no host has pages of its own below: unknown paths there are the family's as well. */
  readonly wholeSegments: readonly string[];
  readonly routes: readonly Route[];
  /** The address of a request as it would be if it were spelled as routes are. */
  spell(request: HttpRequest): string;
  /** Who asks; rejects when what they show does not hold, or when the route needs a user. */
  identify(exchange: Exchange): Credentials | Promise<Credentials>;
  /** Puts what a route replied into the family's envelope. */
  toReply(reply: Reply, request: HttpRequest): Reply;
  /** Puts a failure, as the registry's own routes show it, into the family's envelope. */
  toFailure(failure: HttpResponse, request: HttpRequest): HttpResponse;
}

const own: RouteFamily = {
  segments: [],
  wholeSegments: [],
  routes,
  spell: ({ url }) => url,
  identify,
  toReply: (reply) => reply,
  toFailure: (failure) => failure,
};

/** The families that these settings switch on. */
export function routeFamilies({ serverlessDevs, metrics }: HttpSettings): readonly RouteFamily[] {
  const ofMetrics = metrics === null ? [] : [metricsFamily(metrics)];
  // Fixed first segments go before parameters.
  return [...ofMetrics, ...(serverlessDevs ? [serverlessDevsV3, serverlessDevsV2] : []), own];
}

/** Finds the family that answers a request, by the first segment of its path. */
export function familyFinder(families: readonly RouteFamily[]): (request: HttpRequest) => RouteFamily {
  const bySegment = new Map(families.flatMap((family) => family.segments.map((segment) => [segment, family] as const)));
  if (bySegment.size === 0) return () => own;
  return ({ url, mountPath }) => {
    return bySegment.get(firstSegment(url.slice(mountPath.length))) ?? own;
  };
}

/** The first segment of a path below the mount path, a query left out. */
export function firstSegment(path: string): string {
  return /^\/([^/?#]*)/.exec(path)?.[1] ?? "";
}
