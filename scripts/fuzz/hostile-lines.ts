import type { FuzzRequest } from "./connection.ts";
import { headerLines, oddMethods, requestLines, segments, tails, terms } from "./corpus.ts";
import { credentials, type Plan, pathOf, signatureHeaders, toBytes } from "./plan.ts";

/** A path that is hostile in one segment or in its end. */
export function hostilePath(plan: Plan): FuzzRequest {
  const { random } = plan;
  const route = random.pick(plan.routes);
  const replaced = Object.fromEntries(
    ["package", "version", "username", "upload_id", "id"].map((name) => [name, random.pick(segments)]),
  );
  let path = pathOf(plan, route, random.chance(0.8) ? replaced : {});
  if (random.chance(0.3)) path += random.pick(tails);
  if (random.chance(0.1)) path = path.replace("/", random.pick(["//", "/./", "/../", "\\", "/%2f", "/;/"]));
  if (random.chance(0.1)) path = `${plan.mountPath}/${random.pick(segments)}/${random.pick(segments)}`;
  const method = random.chance(0.7) ? route.method : random.pick(["GET", "HEAD", "DELETE"]);
  const lines = [`${method} ${path} HTTP/1.1`, "Host: a", "Connection: close", ...credentials(plan)];
  return { kind: "path", pieces: [toBytes(lines)], methods: [method], ending: "finish" };
}

/** A query that means nothing good. */
export function hostileQuery(plan: Plan): FuzzRequest {
  const { random } = plan;
  const route = random.pick(plan.routes.filter(({ query }) => query.length > 0));
  const pairs = Array.from({ length: 1 + random.int(4) }, () => {
    const name = random.chance(0.9)
      ? random.pick(route.query)
      : random.pick(["__proto__", "a[b]", "%", "access_token"]);
    const value = random.pick(terms);
    return `${name}${random.pick(["=", "=", "=", "==", ""])}${value}`;
  });
  const path = `${pathOf(plan, route)}?${pairs.join(random.pick(["&", "&&", ";"]))}`;
  const lines = [`${route.method} ${path} HTTP/1.1`, "Host: a", "Connection: close", ...credentials(plan)];
  return { kind: "query", pieces: [toBytes(lines)], methods: [route.method], ending: "finish" };
}

/** A request line that is none, or an odd one. */
export function brokenLine(plan: Plan): FuzzRequest {
  const { random } = plan;
  const line = random.pick(requestLines).replace(" /", ` ${plan.mountPath}/`);
  const newline = random.pick(["\r\n", "\r\n", "\n", "\r"]);
  const lines = [line, "Host: a", ...(random.chance(0.5) ? credentials(plan) : [])];
  const before = random.chance(0.1) ? "\r\n\r\n" : "";
  const bytes = Buffer.from(`${before}${lines.join(newline)}${newline}${random.chance(0.9) ? newline : ""}`, "latin1");
  return {
    kind: "request line",
    pieces: cutUp(plan, bytes),
    methods: ["GET"],
    ending: random.chance(0.9) ? "finish" : "reset",
  };
}

/** Headers that are broken, too many, or mean to be believed. */
export function brokenHeaders(plan: Plan): FuzzRequest {
  const { random } = plan;
  const route = random.pick(plan.routes);
  const method = random.chance(0.2) ? "HEAD" : route.method;
  const many = random.chance(0.1) ? Array.from({ length: 3000 }, (_, index) => `X-${index}: x`) : [];
  const lines = [
    `${method} ${pathOf(plan, route)} HTTP/1.1`,
    ...(random.chance(0.9) ? ["Host: a"] : []),
    ...Array.from({ length: 1 + random.int(3) }, () => random.pick(headerLines)),
    ...(random.chance(0.2) ? signatureHeaders(random) : credentials(plan)),
    ...many,
  ];
  return { kind: "headers", pieces: cutUp(plan, toBytes(lines)), methods: [method], ending: "finish" };
}

/** A method that a path does not have. */
export function oddMethod(plan: Plan): FuzzRequest {
  const { random } = plan;
  const method = random.pick(oddMethods);
  const path = pathOf(plan, random.pick(plan.routes));
  const lines = [`${method} ${path} HTTP/1.1`, "Host: a", "Connection: close", ...credentials(plan)];
  return { kind: "method", pieces: [toBytes(lines)], methods: [method], ending: "finish" };
}

/** The bytes in one piece or in a few. */
export function cutUp({ random }: Plan, bytes: Buffer): Buffer[] {
  if (random.chance(0.6)) return [bytes];
  const cuts = Array.from({ length: 1 + random.int(4) }, () => random.int(bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...cuts].map((from, index) => bytes.subarray(from, cuts[index] ?? bytes.length));
}
