import { randomUUID } from "node:crypto";
import type { Actor } from "../../context.ts";
import { RegistryError } from "../../errors.ts";
import { admit, type Credentials, countRefusal, type Exchange, originOf } from "../credentials.ts";
import type { RouteFamily } from "../families.ts";
import type { HttpRequest, HttpResponse } from "../types.ts";
import { v3PublishingRoutes } from "./v3-publishing.ts";
import { v3ReadingRoutes } from "./v3-reading.ts";
import { inWordsOf, type V3Failure } from "./v3-wire.ts";

const table = [...v3ReadingRoutes, ...v3PublishingRoutes];

/**
 * The current generation of the Serverless Devs registry protocol. Every answer is `{ body, request_id }`, and of a failure
 * the `body` is a text, which is what its clients show. A base that ends with a slash makes them double it.
 */
export const serverlessDevsV3: RouteFamily = {
  segments: ["v3"],
  wholeSegments: ["v3"],
  routes: [...table, ...table.map((route) => ({ ...route, path: route.path.replace("/v3/", "/v3//") }))],
  spell: ({ url, mountPath }) => mountPath + url.slice(mountPath.length).replace(/^\/v3\/\//, "/v3/"),
  identify,
  toReply(reply, request) {
    if (reply.json === undefined) return reply;
    return { ...reply, json: { body: reply.json, request_id: requestIdOf(request) } };
  },
  toFailure,
};

/** Whose safety code the request shows; without one, nobody's. */
async function identify(exchange: Exchange): Promise<Credentials> {
  const { registry, route, request } = exchange;
  const origin = originOf(request);
  const visitor = { caller: { kind: "visitor", ...origin }, check: null } as const;
  if (route.auth === "none") return visitor;
  const header = (name: string) => {
    const value = request.headers[name];
    return typeof value === "string" ? value : undefined;
  };
  const [token, signCode] = [header("token"), header("sign_code")];
  try {
    if (token === undefined && signCode === undefined) {
      if (route.auth === "user") throw new RegistryError("invalid_token");
      return visitor;
    }
    const shown = { token, signCode, timestamp: header("timestamp"), nonce: header("nonce") };
    const counted = { ...shown, admit: (signer: Actor) => admit(exchange, signer) };
    return { caller: await registry.safetyCodes.authenticate(origin, counted), check: null };
  } catch (error) {
    await countRefusal(exchange, error);
    throw error;
  }
}

function toFailure(failure: HttpResponse, request: HttpRequest): HttpResponse {
  const told: V3Failure = JSON.parse(String(failure.body));
  const body = JSON.stringify({ body: inWordsOf(told), ...told, request_id: requestIdOf(request) });
  return { ...failure, body };
}

function requestIdOf({ requestId }: HttpRequest): string {
  return requestId ?? randomUUID();
}
