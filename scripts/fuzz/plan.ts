import type { Known } from "./known.ts";
import { names } from "./known.ts";
import type { Random } from "./random.ts";

/** What a generator of requests works with. */
export interface Plan {
  random: Random;
  known: Known;
  routes: readonly FuzzRoute[];
  mountPath: string;
}

/** One route, as the OpenAPI document tells of it. */
export interface FuzzRoute {
  method: string;
  /** With `{name}` for parameters. */
  path: string;
  /** Names of query parameters. */
  query: readonly string[];
  /** Schema of the JSON body; undefined where none is taken. */
  schema: JsonSchema | undefined;
  /** Whether it asks who calls. */
  asks: boolean;
  /** Media type of the body; null where none is taken. */
  takes: string | null;
}

/** The part of JSON Schema that the document uses. */
export interface JsonSchema {
  type?: string;
  properties?: Readonly<Record<string, JsonSchema>>;
  items?: JsonSchema;
  anyOf?: readonly JsonSchema[];
  enum?: readonly unknown[];
  const?: unknown;
  additionalProperties?: JsonSchema | boolean;
}

interface Operation {
  security?: readonly unknown[];
  parameters?: readonly { name: string; in: string }[];
  requestBody?: { content: Readonly<Record<string, { schema: JsonSchema }>> };
}

/** The routes of an OpenAPI document. */
export function routesOf(document: unknown): FuzzRoute[] {
  const { paths } = document as { paths: Record<string, Record<string, Operation>> };
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { parameters = [], requestBody, security = [] }]) => {
      const [takes] = Object.keys(requestBody?.content ?? {});
      return {
        ...{ path, method: method.toUpperCase(), takes: takes ?? null, asks: security.length > 0 },
        query: parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name),
        schema: takes === "application/json" ? requestBody?.content[takes]?.schema : undefined,
      };
    }),
  );
}

/** A route's path with parameters that exist, save those that `replaced` names. */
export function pathOf(plan: Plan, route: FuzzRoute, replaced: Readonly<Record<string, string>> = {}): string {
  const values: Record<string, string> = {
    ...{
      package: plan.known.package,
      version: names.version,
      username: names.username,
      upload_id: plan.known.uploadId,
    },
    ...replaced,
  };
  return plan.mountPath + route.path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "1");
}

/** Credentials of one kind or another, as header lines. */
export function credentials({ random, known }: Plan): string[] {
  const junk = [
    "srg_",
    `srg_${"A".repeat(43)}`,
    "Basic b3duZXI6eA==",
    "Bearer",
    "Bearer  a b",
    "\u00ff\u00fe",
    "x".repeat(4000),
  ];
  const kind = random.int(10);
  if (kind < 5) return [`Authorization: Bearer ${known.owner}`];
  if (kind < 7) return [`Authorization: ${known.stranger}`];
  if (kind < 8) return [`Authorization: ${random.pick(junk)}`];
  if (kind < 9) return [...signatureHeaders(random)];
  return [];
}

/** Some or all headers of a signed request, with values that make little sense. */
export function signatureHeaders(random: Random): string[] {
  const now = String(Math.floor(Date.now() / 1000));
  const values: Record<string, readonly string[]> = {
    "X-Api-Key": ["srk_AAAAAAAAAAAAAAAA.secret", "srk_", "", "%00", "x".repeat(5000), "__proto__"],
    "X-Timestamp": [now, "1e10", "NaN", " 1700000000", "0x6553f100", "9".repeat(400), "-1", `${now}, ${now}`],
    "X-Nonce": ["abcdefgh", "a", "", "n".repeat(129), "nonce nonce", "é".repeat(8)],
    "X-Signature": [random.bytes(32).toString("base64"), "v2=", `v2=${"A".repeat(44)}`, "!!!!", "", "0".repeat(64)],
    "X-Content-SHA256": ["0".repeat(64), "", "zz", "A".repeat(64)],
  };
  return Object.entries(values)
    .filter(() => random.chance(0.8))
    .map(([name, list]) => `${name}: ${random.pick(list)}`);
}

/** A request of these lines and this body, as bytes. Characters of the lines are bytes. */
export function toBytes(lines: readonly string[], body: Buffer | string = ""): Buffer {
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), Buffer.from(body)]);
}
