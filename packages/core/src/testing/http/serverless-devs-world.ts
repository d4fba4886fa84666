import { createHash, randomBytes } from "node:crypto";
import { expect } from "vitest";
import { zipOf } from "../zips.ts";
import type { HttpHarness, User, World, WorldOptions } from "./harness.ts";
import { sendOverWire } from "./wire.ts";

/** What came back below `/v3`. */
export interface V3Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The envelope. */
  json: Readonly<Record<string, unknown>>;
  body: unknown;
}

/** What goes with a request below `/v3`. */
export interface V3Call {
  /** A safety code; the headers are made of it. */
  code?: string;
  headers?: Readonly<Record<string, string>>;
  form?: Readonly<Record<string, string>>;
  body?: Buffer | AsyncIterable<Buffer>;
}

/** A world that speaks the Serverless Devs protocol. */
export interface V3World extends World {
  readonly ada: User;
  /** A safety code of `ada`'s. */
  readonly code: string;
  /** Makes an API key for somebody. */
  codeOf(user: User, limits?: { scopes?: unknown; networks?: unknown; ttlMs?: number }): Promise<string>;
  /** The headers that clients make of a safety code. */
  headersOf(code: string, nonce?: string): Record<string, string>;
  /** Sends `"GET /v3/…"`; checks what holds for every answer. */
  ask(request: string, call?: V3Call): Promise<V3Answer>;
  /** Both steps of publishing, as the client does them: the answer to the archive. */
  publishV3(manifest: Manifest, call?: { code?: string; archive?: Buffer }): Promise<V3Answer>;
}

/** What a `publish.yaml` says; it is written as JSON, which YAML holds. */
export interface Manifest {
  Name: string;
  Version: string;
  readonly [field: string]: unknown;
}

/** Opens a {@link V3World}. */
export async function v3World(open: HttpHarness["world"], options: WorldOptions = {}): Promise<V3World> {
  const http = { serverlessDevs: true, ...options.http };
  const world = await open({ serverSecret: "a secret of the tests that is long enough", ...options, http });
  const ada = await world.user("ada");
  const codeOf: V3World["codeOf"] = async (user, limits = {}) => {
    const actor = await world.registry.sessions.authenticate(user.token);
    return (await world.registry.apiKeys.create(actor, { name: "safety code", ...limits })).key;
  };
  const code = await codeOf(ada);
  // A memory that begins now knows nothing of the seconds before.
  world.clock.advance(30_000);

  const headersOf: V3World["headersOf"] = (given, nonce = randomBytes(8).toString("hex").slice(1)) => {
    const timestamp = String(Math.floor(world.clock.now() / 1000));
    const sign_code = createHash("sha256").update(`${given}${nonce}${timestamp}`).digest("hex");
    return { token: createHash("md5").update(given).digest("hex"), timestamp, nonce, sign_code };
  };

  const ask: V3World["ask"] = async (request, call = {}) => {
    const [method = "", target = ""] = request.split(" ");
    const form = call.form === undefined ? undefined : new URLSearchParams(call.form).toString();
    const answer = await sendOverWire(world.origin, {
      ...{ method, path: world.mountPath + target },
      headers: {
        ...(call.code === undefined ? {} : headersOf(call.code)),
        ...(form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
        ...call.headers,
      },
      ...(form === undefined ? {} : { body: chunked(form) }),
      ...(call.body === undefined ? {} : { body: call.body }),
    });
    return checked(request, answer);
  };

  return {
    ...{ ...world, ada, code, codeOf, headersOf, ask },
    async publishV3(manifest, { code: used = code, archive } = {}) {
      const opened = await ask("POST /v3/packages/releases", { code: used, form: formOf(manifest) });
      expect(opened.status, opened.text).toBe(200);
      const { url } = opened.body as { url: string };
      const bytes = archive ?? (await archiveOf(manifest));
      return ask(`PUT ${world.pathOf(url)}`, { body: chunked(bytes) });
    },
  };
}

/** The fields that the client always sends, most of them empty. */
export function formOf(manifest: Manifest, fields: Readonly<Record<string, string>> = {}): Record<string, string> {
  const empty = ["publish_en", "version_body", "version_body_en", "syaml", "syaml_en", "readme", "readme_en"];
  const blank = Object.fromEntries(empty.map((name) => [name, ""]));
  return { publish: yamlOf(manifest), ...blank, flowyaml: "{}", ...fields };
}

/** The archive as the client makes it: no folder around it. */
export function archiveOf(manifest: Manifest): Promise<Buffer> {
  return zipOf({ "publish.yaml": yamlOf(manifest), "src/index.js": `// ${manifest.Name} ${manifest.Version}\n` });
}

/** With what every `publish.yaml` has to say. */
function yamlOf(manifest: Manifest): string {
  const usual = {
    Edition: "3.0.0",
    Type: "Component",
    Provider: ["Others"],
    Description: "A test",
    Effective: "Public",
  };
  return JSON.stringify({ ...usual, ...manifest });
}

/** Sent without a length. */
async function* chunked(body: string | Buffer): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(body);
  yield bytes.subarray(0, 10);
  yield bytes.subarray(10);
}

/** Whatever happens, the client must be able to parse the answer. */
function checked(request: string, answer: { status: number; headers: Headers; text: string }): V3Answer {
  const what = `${request} → ${answer.status} ${answer.text.slice(0, 300)}`;
  expect(answer.headers.get("content-type"), what).toBe("application/json; charset=utf-8");
  expect(answer.headers.get("cache-control"), what).toBe("no-store");
  const json = JSON.parse(answer.text) as Record<string, unknown>;
  expect(json.request_id, what).toMatch(/./);
  if (answer.status < 400) expect(json.body, what).toBeTypeOf("object");
  else {
    expect(json.body, what).toBeTypeOf("string");
    expect([typeof json.error, typeof json.code], what).toEqual(["string", "string"]);
  }
  const { status, headers, text } = answer;
  return { status, headers, text, json, body: json.body };
}
