import { signedHeaders } from "@serverless-registry/core/testing";
import type { FuzzRequest } from "./connection.ts";
import { cutUp } from "./hostile-lines.ts";
import { sampleOf } from "./json-samples.ts";
import { type FuzzRoute, type Plan, pathOf, toBytes } from "./plan.ts";

interface Signed {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** A request that was signed well and then changed in one place: whatever it is, it must not succeed. */
export function spoiledSignature(plan: Plan): FuzzRequest {
  const signed = sign(plan, plan.random.pick(plan.routes.filter(({ asks }) => asks)));
  const bytes = written(spoil(plan, signed), ["Connection: close"]);
  return { kind: "spoiled", pieces: cutUp(plan, bytes), methods: [signed.method], ending: "finish" };
}

/** A request that was signed well, several times over one connection: it must succeed once at most. */
export function replayed(plan: Plan): FuzzRequest {
  const signed = sign(
    plan,
    plan.random.pick(plan.routes.filter(({ asks, takes }) => asks && takes !== "multipart/form-data")),
  );
  const copies = 2 + plan.random.int(3);
  const bytes = Array.from({ length: copies }, (_, index) =>
    written(signed, index === copies - 1 ? ["Connection: close"] : []),
  );
  const methods = bytes.map(() => signed.method);
  return { kind: "replayed", pieces: cutUp(plan, Buffer.concat(bytes)), methods, ending: "finish" };
}

function sign(plan: Plan, route: FuzzRoute): Signed {
  const { random, known } = plan;
  const body = bodyOf(plan, route);
  const query = random.chance(0.3) ? "?limit=5&b=2&a=1" : "";
  const path = pathOf(plan, route, { version: random.pick(["1.0.0", `4.0.${random.int(1e6)}`]) }) + query;
  const profile = random.pick(["documented", "v2"] as const);
  const request = { apiKey: known.apiKey, method: route.method, url: path, body, profile };
  const headers = signedHeaders({ ...request, sendsKey: random.chance(0.3) });
  const type = route.takes === null ? {} : { "content-type": route.takes };
  return { method: route.method, path, headers: { ...headers, ...type }, body };
}

function bodyOf(plan: Plan, route: FuzzRoute): Buffer {
  if (route.takes === null) return Buffer.alloc(0);
  return route.schema === undefined ? plan.known.archive : Buffer.from(JSON.stringify(sampleOf(plan, route.schema)));
}

function spoil({ random }: Plan, signed: Signed): Signed {
  const { headers, body } = signed;
  const other = (name: string, value: string) => ({ ...signed, headers: { ...headers, [name]: value } });
  const { "x-signature": mac = "", "x-nonce": nonce = "", "x-timestamp": stamp = "" } = headers;
  // The documented profile does not cover the query.
  const ways: readonly (() => Signed)[] = [
    () =>
      body.length === 0 ? other("x-nonce", `${nonce}A`) : { ...signed, body: flipped(body, random.int(body.length)) },
    () =>
      other(
        "x-nonce",
        nonce.replace(/^./, (first) => (first === "0" ? "1" : "0")),
      ),
    () => other("x-timestamp", String(Number(stamp) + random.pick([-1, 1, 9, 3600]))),
    () =>
      other(
        "x-signature",
        mac.replace(/.(?=.{20}$)/, (one) => (one === "A" ? "B" : "A")),
      ),
    () => other("x-signature", mac.startsWith("v2=") ? mac.slice(3) : `v2=${mac}`),
    () => other("x-signature", `${mac}, ${mac}`),
    () => ({ ...signed, path: signed.path.replace(/[a-z0-9](?=(?:[^a-z0-9?]*)(?:\?|$))/, "~") }),
    () => ({
      ...signed,
      headers: without(headers, random.pick(["x-api-key", "x-timestamp", "x-nonce", "x-signature"])),
    }),
  ];
  return random.pick(ways)();
}

function flipped(body: Buffer, at: number): Buffer {
  const copy = Buffer.from(body);
  copy.writeUInt8((copy.readUInt8(at) + 1) % 256, at);
  return copy;
}

function without(headers: Record<string, string>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
}

function written({ method, path, headers, body }: Signed, more: readonly string[]): Buffer {
  const length = body.length === 0 ? [] : [`Content-Length: ${body.length}`];
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return toBytes([`${method} ${path} HTTP/1.1`, "Host: a", ...lines, ...length, ...more], body);
}
