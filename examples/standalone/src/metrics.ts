import { once } from "node:events";
import type { Logger } from "@serverless-registry/core";
import type { PrometheusMetrics } from "@serverless-registry/core/metrics";
import type { Config } from "./config.ts";
import { messageOf } from "./reasons.ts";

/** The server of the metrics, apart from the registry's: who may reach its port may read them. */
export interface MetricsServer {
  close(): Promise<void>;
}

/** Makes what the registry tells its doings to; null where nobody wants to read them. Loads the library then, and only then. */
export async function makeMetrics({ metricsPort }: Pick<Config, "metricsPort">): Promise<PrometheusMetrics | null> {
  if (metricsPort === null) return null;
  const { prometheusMetrics } = await import("@serverless-registry/core/metrics");
  return prometheusMetrics();
}

/**
 * Answers `GET /metrics`.
 * @throws when the port is taken
 */
export async function serveMetrics(
  metrics: PrometheusMetrics,
  { metricsPort, metricsHost }: Pick<Config, "metricsPort" | "metricsHost">,
  logger: Logger,
): Promise<MetricsServer> {
  // Not imported: Node would load its `fetch` for that, as in `storage-fs/src/file-run.ts`.
  const { createServer } = process.getBuiltinModule("node:http");
  const server = createServer((request, response) => {
    if (request.url !== "/metrics" || request.method !== "GET") return void response.writeHead(404).end();
    metrics.text().then(
      (text) => response.writeHead(200, { "content-type": metrics.contentType, "cache-control": "no-store" }).end(text),
      (error: unknown) => {
        logger.error({ err: error }, "metrics could not be read");
        response.writeHead(500).end();
      },
    );
  });
  server.listen(metricsPort ?? 0, metricsHost);
  await once(server, "listening").catch((error: unknown) => {
    const place = `port ${metricsPort} at ${metricsHost}`;
    throw new Error(`${place} is not there for metrics (${messageOf(error)}); choose another with METRICS_PORT`);
  });
  logger.info({ port: metricsPort }, "metrics are served");
  return {
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
