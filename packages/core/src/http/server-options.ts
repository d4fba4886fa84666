import type { ServerOptions } from "node:http";

/**
 * Settings for the `node:http` server around the registry: `createServer(recommendedServerOptions, app)`, or Fastify's `http`
 * option. Slow headers, idle connections and oversized headers are the server's business; slow bodies are the registry's own.
 */
export const recommendedServerOptions = Object.freeze({
  /** All headers of a request must have come by then. */
  headersTimeout: 15_000,
  /** A backstop behind the registry's own rule for slow bodies, which ends a request after 30 minutes. */
  requestTimeout: 31 * 60_000,
  /** How often the two above are looked at. */
  connectionsCheckingInterval: 5_000,
  /** How long a connection without a request is kept; a proxy in front should give it up sooner. */
  keepAliveTimeout: 65_000,
  /** Headers above this are answered with 431. */
  maxHeaderSize: 16 * 1024,
  insecureHTTPParser: false,
  requireHostHeader: true,
}) satisfies Readonly<ServerOptions>;
