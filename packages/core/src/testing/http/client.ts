import { type Answer, checkAnswer } from "./answers.ts";
import type { Call, World } from "./harness.ts";
import type { Recorder } from "./recorder.ts";
import { readAnswer, sendOverWire } from "./wire.ts";

/** The part of a world that talks to the server. */
export type Client = Pick<World, "send" | "sendRaw" | "pathOf">;

/** Where a client finds the server, and where it notes what it saw. */
export interface ClientOptions {
  origin: string;
  mountPath: string;
  publicUrl: string;
  recorder: Recorder;
}

/** A client that checks every answer for what holds of all of them. */
export function httpClient(options: ClientOptions): Client {
  const { origin, mountPath, publicUrl } = options;
  const { host } = new URL(origin);

  function check(answer: Answer, method: string, target: string): Answer {
    const [path = ""] = target.split("?");
    checkAnswer(answer, { method, path, publicUrl }, options.recorder);
    const shown =
      JSON.stringify([...answer.headers]) + (answer.headers.get("content-type")?.includes("json") ? answer.text : "");
    if (shown.includes(host) && !publicUrl.includes(host))
      throw new Error(`The Host header shows in an answer: ${shown}`);
    return answer;
  }

  return {
    async send(request, call = {}) {
      const { method, target } = parseRequest(request);
      const { headers, body } = prepare(call);
      const response = await fetch(`${origin}${mountPath}${target}`, {
        ...{ method, headers, redirect: "manual" },
        ...(body === undefined ? {} : { body, duplex: "half" }),
      } as RequestInit);
      const bytes = Buffer.from(await response.arrayBuffer());
      return check(readAnswer(response.status, response.headers, bytes), method, target);
    },
    async sendRaw(request, call = {}) {
      const { method, target } = parseRequest(request);
      const { headers, body } = prepare(call);
      if (body instanceof FormData) throw new Error("Write the form out for sendRaw");
      const sent = typeof body === "string" ? Buffer.from(body) : body;
      const answer = await sendOverWire(origin, {
        ...{ method, path: `${mountPath}${target}`, headers },
        ...(sent === undefined ? {} : { body: sent }),
      });
      return check(answer, method, target);
    },
    pathOf(url) {
      if (typeof url !== "string" || !url.startsWith(`${publicUrl}/`))
        throw new Error(`Not an address of ours: ${url}`);
      return url.slice(publicUrl.length);
    },
  };
}

function parseRequest(request: string): { method: string; target: string } {
  const space = request.indexOf(" ");
  return { method: request.slice(0, space), target: request.slice(space + 1) };
}

function prepare({ as, json, body, headers = {} }: Call) {
  const token = typeof as === "object" ? as.token : as;
  return {
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    body: json === undefined ? body : JSON.stringify(json),
  };
}
