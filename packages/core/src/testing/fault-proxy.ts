import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

/**
 * What can go wrong between a client and its store, in the order of a request: it waits a moment (`slow`); it is refused with 503
 * SlowDown (`overloaded`), or with 409 where it has a condition (`conflict`); the connection ends before the store has it (`cut before`),
 * or in the middle of the bytes that it sends (`cut in the body`); the store does it and the answer never comes (`answer lost`), or ends
 * half-way through the bytes asked for (`answer cut`); the store is never asked and success is answered (`pretended`).
 */
export type ProxyFault =
  | "slow"
  | "overloaded"
  | "conflict"
  | "cut before"
  | "cut in the body"
  | "answer lost"
  | "answer cut"
  | "pretended";

/** A proxy that stands between a client and a store that speaks HTTP as S3 does. */
export interface FaultProxy {
  /** The store's endpoint, by way of the proxy. */
  url: string;
  /** How often each fault has happened. */
  readonly met: Readonly<Record<ProxyFault, number>>;
  close(): Promise<void>;
}

/**
 * Starts a proxy to the store at `endpoint`. `choose` says of each request what goes wrong with it; null: nothing. A fault that needs a
 * body, or a condition in the request, is left out where there is none.
 */
export async function startFaultProxy(
  endpoint: string,
  choose: (request: IncomingMessage) => ProxyFault | null,
): Promise<FaultProxy> {
  const met: Record<ProxyFault, number> = {
    ...{ slow: 0, overloaded: 0, conflict: 0, "cut before": 0, "cut in the body": 0 },
    ...{ "answer lost": 0, "answer cut": 0, pretended: 0 },
  };
  const server = createServer(async (incoming, response) => {
    const fault = suits(choose(incoming), incoming);
    if (fault !== null) met[fault] += 1;
    try {
      await pass({ endpoint, incoming, response, fault });
    } catch {
      incoming.socket.destroy();
    }
  });
  server.requestTimeout = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    met,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function suits(fault: ProxyFault | null, { method, headers }: IncomingMessage): ProxyFault | null {
  const sendsBytes = method === "PUT" && Number(headers["content-length"] ?? 0) > 0;
  if ((fault === "pretended" || fault === "cut in the body") && !sendsBytes) return null;
  if (fault === "answer cut" && method !== "GET") return null;
  return fault === "conflict" && headers["if-none-match"] === undefined ? null : fault;
}

interface Exchange {
  endpoint: string;
  incoming: IncomingMessage;
  response: ServerResponse;
  fault: ProxyFault | null;
}

async function pass({ endpoint, incoming, response, fault }: Exchange): Promise<void> {
  if (fault === "cut before") return void incoming.socket.destroy();
  if (fault === "slow") await delay(300);
  if (fault === "overloaded") return refuse(incoming, response, { status: 503, code: "SlowDown" });
  if (fault === "conflict") return refuse(incoming, response, { status: 409, code: "ConditionalRequestConflict" });
  if (fault === "pretended") {
    for await (const _ of incoming);
    return void response.writeHead(200, { etag: '"pretended"' }).end();
  }
  const { hostname, port } = new URL(endpoint);
  const { method, url: path, headers } = incoming;
  // With the client's own Host header, which its signature covers.
  const upstream = request({ hostname, port, method, path, headers, agent: false });
  upstream.on("error", () => incoming.socket.destroy());
  if (fault === "cut in the body") {
    incoming.once("data", (piece: Buffer) => {
      upstream.write(piece.subarray(0, piece.length >> 1));
      upstream.destroy();
      incoming.socket.destroy();
    });
    return;
  }
  incoming.pipe(upstream);
  const [answer] = (await once(upstream, "response")) as [IncomingMessage];
  if (fault === "answer lost") return void incoming.socket.destroy();
  response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
  if (fault === "answer cut") return cutHalfWay(answer, response);
  answer.on("error", () => response.destroy()).pipe(response);
}

async function refuse(
  incoming: IncomingMessage,
  response: ServerResponse,
  { status, code }: { status: number; code: string },
): Promise<void> {
  for await (const _ of incoming);
  const text = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>try again</Message></Error>`;
  response.writeHead(status, { "content-type": "application/xml" }).end(text);
}

function cutHalfWay(answer: IncomingMessage, response: ServerResponse): void {
  const length = Number(answer.headers["content-length"] ?? 0);
  let left = length >> 1;
  const half = Readable.from(
    (async function* () {
      for await (const piece of answer as AsyncIterable<Buffer>) {
        yield piece.subarray(0, left);
        left -= piece.length;
        if (left <= 0) return;
      }
    })(),
  );
  half.on("end", () => response.destroy()).pipe(response, { end: false });
}
