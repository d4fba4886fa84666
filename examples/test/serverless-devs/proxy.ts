import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import type { TlsOptions } from "node:tls";
import type { EndLater } from "../processes.ts";
import { startAuthority } from "./authority.ts";

/** A proxy that brings clients with fixed hosts to a server of this machine: every host is taken for it, so that no other is reached. */
export interface TestProxy {
  url: string;
  /** File with the certificate of its authority. */
  authority: string;
  /** What passed, as `METHOD scheme://host/path status`. */
  readonly passed: readonly string[];
}

/** Where a proxy leads to. */
export interface ProxyOptions {
  /** Address of the server. */
  server: string;
  endLater: EndLater;
}

/** Starts a proxy for HTTP, and through tunnels for HTTPS: there it shows a certificate for the host, from an authority of its own, whether a client checks it or not. */
export async function startProxy({ server, endLater }: ProxyOptions): Promise<TestProxy> {
  const { port } = new URL(server);
  const passed: string[] = [];
  const answer = (req: IncomingMessage, res: ServerResponse, address: string) => {
    const { pathname, search } = new URL(address);
    const line = `${req.method} ${address.slice(0, address.length - search.length)}`;
    const options = { host: "127.0.0.1", port, method: req.method ?? "GET", path: pathname + search };
    const onward = request({ ...options, headers: req.headers }, (from) => {
      passed.push(`${line} ${from.statusCode}`);
      res.writeHead(from.statusCode ?? 502, from.headers);
      from.pipe(res);
    });
    onward.on("error", () => res.destroy());
    req.pipe(onward);
  };
  const authority = await startAuthority(endLater);
  const SNICallback: TlsOptions["SNICallback"] = (host, done) => {
    authority.contextFor(host).then((context) => done(null, context), done);
  };
  const secure = createTlsServer({ SNICallback }, (req, res) => {
    answer(req, res, `https://${req.headers.host}${req.url}`);
  });
  const plain = createServer((req, res) => answer(req, res, req.url ?? ""));
  for (const listener of [secure, plain]) {
    await once(listener.listen(0, "127.0.0.1"), "listening");
    endLater(async () => {
      listener.closeAllConnections();
      listener.close();
    });
  }
  plain.on("connect", (_req, socket, head) => {
    const tunnel = connect((secure.address() as AddressInfo).port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      tunnel.write(head);
      tunnel.pipe(socket).pipe(tunnel);
    });
    tunnel.on("error", () => socket.destroy());
    socket.on("error", () => tunnel.destroy());
  });
  return { url: `http://127.0.0.1:${(plain.address() as AddressInfo).port}`, authority: authority.file, passed };
}
