import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { buffer } from "node:stream/consumers";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "./answers.ts";

/** A request as it goes over the wire: nothing of it is made tidy on the way. */
export interface WireCall {
  method: string;
  /** Path and query, as they stand in the request line. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  /** One chunk, or many with whatever lies between them; without `content-length` they are sent in chunked coding. */
  body?: Buffer | AsyncIterable<Buffer>;
}

/** Sends a request over a connection of its own and reads the answer to its end. */
export async function sendOverWire(origin: string, call: WireCall): Promise<Answer> {
  const outgoing = beginOverWire(origin, call);
  const closed = new Promise((resolve) => outgoing.once("close", resolve));
  // A connection that ends once the answer has begun to come is no failure: the body may be longer than anybody wants.
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve).on("error", reject);
  });
  const sending = sendBody(outgoing, call.body).catch(() => undefined);
  const answer = await toAnswer(await answered);
  await Promise.race([sending, closed]);
  outgoing.destroy();
  return answer;
}

/** Begins a request and leaves its body to the caller. */
export function beginOverWire(origin: string, { method, path, headers = {} }: WireCall): ClientRequest {
  const { hostname, port } = new URL(origin);
  const agent = new Agent({ keepAlive: false });
  return request({ hostname: hostname.replace(/^\[|\]$/g, ""), port, method, path, headers, agent });
}

async function sendBody(outgoing: ClientRequest, body: WireCall["body"] = Buffer.alloc(0)): Promise<void> {
  if (Buffer.isBuffer(body)) {
    outgoing.end(body.length === 0 ? undefined : body);
    return;
  }
  for await (const chunk of body) {
    if (outgoing.destroyed) return;
    if (outgoing.write(chunk)) continue;
    await new Promise((resolve) => outgoing.once("drain", resolve).once("close", resolve));
  }
  outgoing.end();
}

async function toAnswer(incoming: IncomingMessage): Promise<Answer> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) headers.set(name, String(value));
  return readAnswer(incoming.statusCode ?? 0, headers, await buffer(incoming));
}

/** An answer whose body has been read. */
export function readAnswer(status: number, headers: Headers, bytes: Buffer): Answer {
  const text = bytes.toString();
  const isJson = headers.get("content-type")?.startsWith("application/json") && text !== "";
  return { status, headers, bytes, text, json: isJson ? JSON.parse(text) : {} };
}

/** Cuts a body into chunks of at most `chunkBytes`, with a pause behind each. */
export async function* chunksOf(bytes: Buffer, chunkBytes: number, pauseMs = 0): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    yield bytes.subarray(at, at + chunkBytes);
    await (pauseMs > 0 ? sleep(pauseMs) : nextTurn());
  }
}

/** Sends the first `bytes` of a longer body, then breaks the connection off. */
export async function breakOff(origin: string, call: WireCall & { bytes: Buffer }): Promise<void> {
  const outgoing = beginOverWire(origin, call);
  outgoing.on("error", () => undefined);
  const closed = new Promise((resolve) => outgoing.once("close", resolve));
  await Promise.race([new Promise((resolve) => outgoing.write(call.bytes, resolve)), closed]);
  await sleep(30);
  outgoing.destroy();
  await closed;
}

/** Waits until `done` says true; gives up after two seconds, and leaves it to the caller to notice. */
export async function eventually(done: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 100 && !(await done()); attempt += 1) await sleep(20);
}
