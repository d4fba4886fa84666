import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { registryPlugin } from "@serverless-registry/adapter-fastify";
import { createRegistry, type Database, type Registry } from "@serverless-registry/core";
import { sqlite } from "@serverless-registry/core/sqlite";
import { fsStorage } from "@serverless-registry/storage-fs";
import type { FastifyInstance } from "fastify";
import { createApp, type RunningRequests } from "./app.ts";
import type { Config } from "./config.ts";
import { keptSecret } from "./server-secret.ts";

/** A server that takes requests. */
export interface RunningServer {
  /** Where it listens. */
  address: string;
  /**
   * Stops taking requests, lets running ones finish for ten seconds at most, writes what waits in memory and closes the
   * database.
   */
  stop(): Promise<void>;
}

const STOP_TIMEOUT_MS = 10_000;

/**
 * Starts the registry as a server of its own: brings the database up to date, removes what a crash left of uploads, listens.
 * @throws when any of that fails; nothing stays open then
 */
export async function startServer(config: Config): Promise<RunningServer> {
  const startedAt = Date.now();
  const { app, running } = createApp(config);
  const storage = fsStorage({ root: config.storageRoot });
  const registry = createRegistry({
    database: await openDatabase(config.databasePath),
    storage,
    logger: app.log,
    registration: config.registration,
    limits: { uploadBytes: config.maxUploadBytes, archive: { unpackedBytes: config.maxUnpackedBytes } },
    ...(await secretsOf(config, app)),
  });
  try {
    const migrations = await registry.migrate();
    if (migrations.length > 0) app.log.info({ migrations }, "the database was brought up to date");
    await app.register(registryPlugin, {
      registry,
      publicUrl: config.publicUrl,
      unknownPaths: "answer",
      ...(config.rateLimit === "off" ? { rateLimits: "off" as const } : {}),
    });
    const address = await app.listen({
      port: config.port,
      host: config.host,
      listenTextResolver: (listensAt) => `listening at ${listensAt}`,
    });
    // Not before: whoever starts a second server by mistake must not lose the uploads of the first.
    const leftovers = await storage.sweepStaged(Date.now() - startedAt);
    if (leftovers > 0) app.log.info({ leftovers }, "removed what an earlier run left of unfinished uploads");
    return { address, stop: () => stop(app, registry, running) };
  } catch (error) {
    await app.close();
    await registry.close();
    throw error;
  }
}

async function openDatabase(path: string): Promise<Database> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    return sqlite({ path });
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

async function secretsOf(config: Config, app: FastifyInstance) {
  const previous = config.previousServerSecret === null ? {} : { previousServerSecret: config.previousServerSecret };
  if (config.serverSecret !== null) return { ...previous, serverSecret: config.serverSecret };
  const { secret, file, isNew } = await keptSecret(dirname(config.databasePath));
  app.log.info({ file }, isNew ? "made a server secret, since SERVER_SECRET is not set" : "read the server secret");
  return { ...previous, serverSecret: secret };
}

async function stop(app: FastifyInstance, registry: Registry, running: RunningRequests): Promise<void> {
  app.log.info({ running: running.count() }, "stopping");
  const closed = app.close();
  if (!(await running.finished(STOP_TIMEOUT_MS))) {
    app.log.warn({ running: running.count() }, "cut off requests that did not finish in time");
  }
  // Connections without a request would keep the server from closing.
  app.server.closeAllConnections();
  await closed;
  await registry.close();
  app.log.info("stopped");
}
