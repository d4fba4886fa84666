import type { ErrorCode } from "../../errors.ts";
import { visitorOf } from "../credentials.ts";
import type { RouteFamily } from "../families.ts";
import type { HttpRequest, HttpResponse } from "../types.ts";
import { v2FormRoutes } from "./v2-forms.ts";
import { v2ReadingRoutes } from "./v2-reading.ts";
import { inWords } from "./v3-wire.ts";

/** Failures that are no answer of a route: programs and people that are not these clients get there. */
const ofNoRoute: readonly ErrorCode[] = ["not_found", "method_not_allowed"];

/**
 * The older generation of the Serverless Devs registry protocol: every answer is `{ Response }`. Who asks stands in the forms
 * themselves; all else is anonymous.
 */
export const serverlessDevsV2: RouteFamily = {
  segments: ["simple", "package", "center", "user"],
  // A host may well have `/user/…` of its own.
  wholeSegments: ["simple"],
  routes: [...v2ReadingRoutes, ...v2FormRoutes],
  spell: ({ url }) => url,
  identify: async ({ request }) => ({ caller: visitorOf(request), check: null }),
  toReply: (reply) => (reply.json === undefined ? reply : { ...reply, json: { Response: reply.json } }),
  toFailure,
};

/** The publisher shows what an answer with status 200 says, and of any other only that there was one. */
function toFailure(failure: HttpResponse, { url, mountPath }: HttpRequest): HttpResponse {
  const told = JSON.parse(String(failure.body)) as { error: string; code: ErrorCode; details?: object };
  const Message = inWords(told.error, { ...told.details });
  const body = JSON.stringify({ Response: { Error: told.code, Message }, ...told });
  const isForm = !url.slice(mountPath.length).startsWith("/simple/") && !ofNoRoute.includes(told.code);
  return { ...failure, body, status: isForm && failure.status < 500 ? 200 : failure.status };
}
