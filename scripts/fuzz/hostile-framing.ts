import type { FuzzRequest } from "./connection.ts";
import { cutUp } from "./hostile-lines.ts";
import { sampleOf } from "./json-samples.ts";
import { names } from "./known.ts";
import { credentials, type Plan, pathOf, toBytes } from "./plan.ts";

/** A body that is shorter or longer than promised, or in chunks that are none. */
export function brokenBody(plan: Plan): FuzzRequest {
  const { random } = plan;
  const route = random.pick(plan.routes.filter(({ takes }) => takes !== null));
  const body =
    route.schema === undefined ? plan.known.archive : Buffer.from(JSON.stringify(sampleOf(plan, route.schema)));
  const [framing, sent] = random.chance(0.5) ? brokenLength(plan, body) : brokenChunks(plan, body);
  const type = route.takes === "multipart/form-data" ? "multipart/form-data; boundary=x" : route.takes;
  const lines = [
    `${route.method} ${pathOf(plan, route)} HTTP/1.1`,
    "Host: a",
    `Content-Type: ${type}`,
    ...credentials(plan),
    framing,
  ];
  const ending = random.chance(0.7) ? "finish" : "reset";
  return { kind: "body", pieces: cutUp(plan, toBytes(lines, sent)), methods: [route.method], ending };
}

function brokenLength({ random }: Plan, body: Buffer): [framing: string, sent: Buffer] {
  const { length } = body;
  const lengths = [
    length + 1,
    length + 1000,
    0,
    1e15,
    "9".repeat(30),
    -1,
    `+${length}`,
    `0x${length.toString(16)}`,
    "",
    " ",
    `${length},${length}`,
    `${length} x`,
    "1e3",
  ];
  return [`Content-Length: ${random.pick(lengths)}`, random.chance(0.5) ? body : body.subarray(0, random.int(length))];
}

function brokenChunks({ random }: Plan, body: Buffer): [framing: string, sent: Buffer] {
  const size = body.length.toString(16);
  const text = body.toString("latin1");
  const whole = `${size}\r\n${text}\r\n0\r\n\r\n`;
  const forms = [
    ...[
      `${size}\r\n${text}`,
      `${size}\n${text}\n0\n\n`,
      `-1\r\n${text}\r\n0\r\n\r\n`,
      `ffffffffffffffff\r\n${text}`,
      `0x${size}\r\n${text}\r\n0\r\n\r\n`,
    ],
    ...[
      `${size} \r\n${text}\r\n0\r\n\r\n`,
      `;\r\n${whole}`,
      `${size};${"e".repeat(20_000)}\r\n${text}\r\n0\r\n\r\n`,
      `${size}\r\n${text}X\r\n0\r\n\r\n`,
    ],
    ...[
      `${size}\r\n${text}\r\n0\r\nContent-Length: 5\r\nX: y\r\n\r\n`,
      `${whole}trailing`,
      `zz\r\n${text}`,
      "",
      "0",
      "0\r\n",
      `${"0".repeat(300)}${whole}`,
    ],
  ];
  return ["Transfer-Encoding: chunked", Buffer.from(random.pick(forms), "latin1")];
}

/**
 * Framing that a proxy may read otherwise than the server, around a request that would delete something: whoever executes it
 * has been smuggled past.
 */
export function smuggled(plan: Plan): FuzzRequest {
  const { random, known, mountPath } = plan;
  const inner = `DELETE ${mountPath}/${known.package}/releases/tags/${names.version} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${known.owner}\r\n\r\n`;
  const chunked = `0\r\n\r\n${inner}`;
  const whole = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`;
  const shapes: readonly (readonly [headers: readonly string[], body: string])[] = [
    [[`Content-Length: ${chunked.length}`, "Transfer-Encoding: chunked"], chunked],
    [["Transfer-Encoding: chunked", "Content-Length: 4"], whole],
    [["Content-Length: 0", `Content-Length: ${inner.length}`], inner],
    [[`Content-Length: ${inner.length}`, "Content-Length: 0"], inner],
    [[`Content-Length: 0, ${inner.length}`], inner],
    [[`Content-Length: +0`], inner],
    [[`Content-Length : 0`], inner],
    [["Content-Length:\u000b0"], inner],
    [["Transfer-Encoding: xchunked", `Content-Length: ${inner.length}`], inner],
    [["Transfer-Encoding : chunked", `Content-Length: ${inner.length}`], chunked],
    [["Transfer-Encoding: chunked, identity"], chunked],
    [["Transfer-Encoding: identity, chunked", `Content-Length: ${inner.length}`], chunked],
    [["Transfer-Encoding:\u000bchunked", `Content-Length: ${inner.length}`], inner],
    [["Transfer-Encoding: chunked", "Transfer-Encoding: x"], chunked],
    [["X: y\r\n Transfer-Encoding: chunked", `Content-Length: ${inner.length}`], inner],
    [["Transfer-Encoding: chunked\n"], `0\n\n${inner}`],
    [["Transfer-Encoding: chunked"], `0;\n\r\n${inner}`],
    [["Transfer-Encoding: chunked"], `1\r\nAX0\r\n\r\n${inner}`],
    [["Transfer-Encoding: chunked"], `0 \r\n\r\n${inner}`],
    [["Transfer-Encoding: chunked"], `0\r\nX: y\n\n${inner}`],
  ];
  const [headers, body] = random.pick(shapes);
  const outer = random.pick(["POST /login", "GET /healthz", "POST /releases", `GET /${known.package}/releases/latest`]);
  const [method = "", path = ""] = outer.split(" ");
  const lines = [`${method} ${mountPath}${path} HTTP/1.1`, "Host: a", "Content-Type: application/json", ...headers];
  return {
    kind: "smuggling",
    pieces: [toBytes(lines, Buffer.from(body, "latin1"))],
    methods: [method],
    ending: "finish",
  };
}

/** Several whole requests in one write: each gets its answer, in order. */
export function pipelined(plan: Plan): FuzzRequest {
  const { random, known, mountPath } = plan;
  const path = `${mountPath}/${known.package}`;
  const login = JSON.stringify({ username: "victim", password: "wrong" });
  const requests = Array.from({ length: 2 + random.int(12) }, () =>
    random.pick([
      ["GET", `${path}/releases/latest`, ""],
      ["HEAD", `${path}/releases`, ""],
      ["GET", `${mountPath}/nothing/here/at/all`, ""],
      ["HEAD", `${path}/zipball/${names.version}`, ""],
      ["GET", `${path}/zipball/${names.version}`, ""],
      ["POST", `${mountPath}/login`, login],
      ["DELETE", `${path}/releases/tags/9.9.9`, ""],
    ] as const),
  );
  const bytes = requests.map(([method, target, body], index) => {
    const length = body === "" ? [] : ["Content-Type: application/json", `Content-Length: ${body.length}`];
    const end = index === requests.length - 1 ? ["Connection: close"] : [];
    return toBytes([`${method} ${target} HTTP/1.1`, "Host: a", ...length, ...end], body);
  });
  return {
    kind: "pipelining",
    pieces: cutUp(plan, Buffer.concat(bytes)),
    methods: requests.map(([method]) => method),
    ending: "answers",
  };
}
