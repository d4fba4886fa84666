import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { createRegistry } from "@serverless-registry/core";
import { type HttpRequest, type HttpResponse, registryHttp } from "@serverless-registry/core/http";
import { memoryStorage } from "@serverless-registry/core/memory";
import { sqlite } from "@serverless-registry/core/sqlite";
import { standingClock } from "../../packages/core/src/testing/clock.ts";
import { zipOf } from "../../packages/core/src/testing/zips.ts";
import { type Call, story } from "./story.ts";

/** One request and its answer, as they are shown. */
export interface Example {
  /** A command line. */
  request: string;
  /** Language of the block, and the answer. */
  answer: readonly [language: string, text: string];
}

const publicUrl = "https://example.com/registry";
const boundary = "example-boundary";

/** Plays the story against a real registry in memory, and says by operation what was asked and answered. */
export async function recordExamples(): Promise<ReadonlyMap<string, Example>> {
  const clock = standingClock();
  const registry = createRegistry({ database: sqlite({ path: ":memory:" }), storage: memoryStorage({ clock }), clock });
  await registry.migrate();
  const http = registryHttp(registry, { publicUrl, rateLimits: "off" });
  const archive = await zipOf({
    "publish.yaml": "Name: hello-world\nVersion: 1.0.0\n",
    "index.js": "console.log('hello');\n",
  });
  const examples = new Map<string, Example>();
  const known = { token: "", upload_id: "" };
  for (const call of story) {
    const route = http.routes.find(({ operationId }) => operationId === call.operationId);
    if (route === undefined) throw new Error(`the story calls ${call.operationId}, which is no route`);
    const params = call.params?.(known) ?? {};
    const path = route.path.replace(/:(\w+)/g, (_, name: string) => params[name] ?? "") + (call.query ?? "");
    const response = await http.handle(
      route,
      toRequest({ ...call, params, path, archive, method: route.method, token: known.token }),
    );
    const body = await textOf(response);
    if (response.status >= 300) throw new Error(`${call.operationId} answered ${response.status}: ${body}`);
    if (response.headers["content-type"]?.includes("json")) Object.assign(known, pick(JSON.parse(body)));
    if (call.hidden !== true)
      examples.set(call.operationId, shown({ call, method: route.method, path, response, body }));
  }
  await registry.close();
  return examples;
}

interface Sent extends Omit<Call, "params"> {
  method: string;
  path: string;
  params: Record<string, string>;
  archive: Buffer;
  token: string;
}

function toRequest({ method, path, params, json, form, signedIn, archive, token }: Sent): HttpRequest {
  const authorization = signedIn === true ? { authorization: `Bearer ${token}` } : {};
  const type = form === true ? `multipart/form-data; boundary=${boundary}` : "application/json";
  const bytes =
    form === true ? formOf(archive) : json === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(json));
  return {
    method,
    url: path,
    mountPath: "",
    params,
    headers: { ...authorization, "content-type": type },
    body: Readable.from(bytes.length === 0 ? [] : [bytes]),
    protocol: "https",
  };
}

function formOf(archive: Buffer): Buffer {
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="package"; filename="hello-world.zip"\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), archive, Buffer.from(`\r\n--${boundary}--\r\n`)]);
}

async function textOf({ body }: HttpResponse): Promise<string> {
  if (body === null || typeof body === "string") return body ?? "";
  if (Buffer.isBuffer(body)) return body.toString("latin1");
  return (await buffer(body)).toString("latin1");
}

function pick(value: unknown): Record<string, string> {
  const fields = Object(value) as Record<string, unknown>;
  return Object.fromEntries(
    ["token", "upload_id"].flatMap((name) => (typeof fields[name] === "string" ? [[name, fields[name]]] : [])),
  );
}

interface Exchange {
  call: Call;
  method: string;
  path: string;
  response: HttpResponse;
  body: string;
}

function shown({ call, method, path, response, body }: Exchange): Example {
  const { status, headers } = response;
  const data =
    call.json === undefined ? "" : ` \\\n  -H "Content-Type: application/json" \\\n  -d '${JSON.stringify(call.json)}'`;
  const request = [
    "curl",
    ...(method === "GET" || (method === "POST" && (data !== "" || call.form === true)) ? [] : [`-X ${method}`]),
    `"$REGISTRY${shorten(path).replace("…", "$UPLOAD_ID")}"`,
    ...(call.signedIn === true ? ['-H "Authorization: Bearer $TOKEN"'] : []),
    ...(call.form === true ? ["-F package=@hello-world.zip"] : []),
    ...(call.save === undefined ? [] : [`-o ${call.save}`]),
  ].join(" ");
  if (headers["content-type"]?.includes("json") && body !== "") {
    return { request: request + data, answer: ["json", shorten(JSON.stringify(JSON.parse(body), null, 2))] };
  }
  const lines = ["content-type", "content-disposition", "content-length", "cache-control", "etag"].flatMap((name) =>
    headers[name] === undefined ? [] : [`${name}: ${headers[name]}`],
  );
  return { request: request + data, answer: ["http", shorten([`HTTP/1.1 ${status}`, ...lines].join("\n"))] };
}

/** Without what is random or long. */
function shorten(text: string): string {
  return text
    .replace(/srg_\w{49}/g, "srg_…")
    .replace(/(upload\/|"upload_id": ")[\w-]{32}/g, "$1…")
    .replace(/\b[0-9a-f]{64}\b/g, "…");
}
