import { EventEmitter } from "node:events";
import { registryPlugin } from "@serverless-registry/adapter-fastify";
import type { FastifyInstance } from "fastify";
import { isAlone } from "./alone.ts";
import { createApp, type RunningRequests } from "./app.ts";
import type { Config } from "./config.ts";
import { readLogSettings, undurable } from "./durability.ts";
import { careForEvents } from "./events.ts";
import { makeMetrics, serveMetrics } from "./metrics.ts";
import { openRegistry } from "./open-registry.ts";
import { careForSeals } from "./seals.ts";
import { careForSweeps } from "./sweeps.ts";

/** A server that takes requests. */
export interface RunningServer {
  /** Where it listens. */
  address: string;
  /**
   * Stops taking requests, lets running ones finish for ten seconds at most, writes what waits in memory, seals the audit log and
   * closes the database.
   */
  stop(): Promise<void>;
}

const STOP_TIMEOUT_MS = 10_000;
const MINUTE_MS = 60_000;
const DELIVER_EVERY_MS = 5000;

/**
 * Starts the registry as a server of its own: brings the database up to date, listens, sweeps; from then on delivers events, seals
 * the audit log each minute, or each `sealEveryMs`, and sweeps each hour.
 * @throws when any of that fails; nothing stays open then
 */
export async function startServer(config: Config, { sealEveryMs = MINUTE_MS } = {}): Promise<RunningServer> {
  const { app, running } = createApp(config);
  const changes = new EventEmitter<{ change: [] }>();
  const metrics = await makeMetrics(config);
  const startedAlone = await isAlone(config);
  const { registry, backends, migrate, close } = await openRegistry(config, app.log, {
    onChange: () => changes.emit("change"),
    telemetry: metrics === null ? [] : [metrics],
  });
  const { storage, shared } = backends;
  try {
    const migrations = await migrate();
    if (migrations.length > 0) app.log.info({ migrations }, "the database was brought up to date");
    await warnOfLossAtPowerFailure(config, app);
    await app.register(registryPlugin, {
      ...{ registry, publicUrl: config.publicUrl, unknownPaths: "answer" },
      ...{ auth: config.auth, serverlessDevs: config.serverlessDevs === "on" },
      ...(config.corsOrigins.length === 0 ? {} : { cors: { origins: config.corsOrigins } }),
      ...(config.signatures === "v2" ? { signatures: { documented: false, wholeKey: false } } : {}),
      ...(shared.rateLimiter === undefined ? {} : { rateLimiter: shared.rateLimiter }),
      ...(config.rateLimit === "off" ? { rateLimits: "off" as const } : {}),
    });
    const metricsServer = metrics === null ? null : await serveMetrics(metrics, config, app.log);
    app.addHook("onClose", async () => metricsServer?.close());
    const address = await app.listen({
      port: config.port,
      host: config.host,
      listenTextResolver: (listensAt) => `listening at ${listensAt}`,
    });
    // Nobody has to wait for it.
    const sweeps = careForSweeps({ config, registry, storage, startedAlone, log: app.log });
    const seals = careForSeals({
      registry,
      log: app.log,
      everyMs: sealEveryMs,
      reseal: config.previousServerSecret !== null,
    });
    const events =
      config.webhooks.length === 0
        ? null
        : careForEvents({ registry, log: app.log, webhooks: config.webhooks, changes, everyMs: DELIVER_EVERY_MS });
    const end = async () => {
      await sweeps.end();
      await events?.end();
      await seals.end();
      await close();
    };
    return { address, stop: () => stop(app, running, end) };
  } catch (error) {
    await app.close();
    await close();
    throw error;
  }
}

async function warnOfLossAtPowerFailure({ database }: Config, { log }: FastifyInstance): Promise<void> {
  const settings = database.kind === "mysql" ? await readLogSettings(database.uri) : null;
  const lacking = settings === null ? [] : undurable(settings);
  if (lacking.length === 0) return;
  log.warn({ settings: lacking }, "a loss of power at the database may take what was acknowledged: set these to 1");
}

async function stop(app: FastifyInstance, running: RunningRequests, close: () => Promise<void>): Promise<void> {
  app.log.info({ running: running.count() }, "stopping");
  const closed = app.close();
  if (!(await running.finished(STOP_TIMEOUT_MS))) {
    app.log.warn({ running: running.count() }, "cut off requests that did not finish in time");
  }
  // Connections without a request would keep the server from closing.
  app.server.closeAllConnections();
  await closed;
  await close();
  app.log.info("stopped");
}
