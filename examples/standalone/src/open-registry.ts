import { dirname } from "node:path";
import { createRegistry, type Logger, type Registry, type Telemetry } from "@serverless-registry/core";
import { type Backends, databaseReason, openBackends } from "./backends.ts";
import type { Config } from "./config.ts";
import { eventsOf } from "./events.ts";
import { keptSecret } from "./server-secret.ts";

/** A registry and what it stands on. */
export interface OpenRegistry {
  registry: Registry;
  backends: Backends;
  /** Brings the database up to date. @throws Error with what to do */
  migrate(): Promise<string[]>;
  /** Writes what waits in memory and lets go of everything. */
  close(): Promise<void>;
}

/** Who is told of what the registry does. */
export interface Watch {
  /** Called after each change. */
  onChange?(): void;
  telemetry?: readonly Telemetry[];
}

/**
 * Opens the registry that the configuration names, without changing anything but for a secret that is missing.
 * @throws Error with what to do; nothing stays open then
 */
export async function openRegistry(config: Config, logger: Logger, watch: Watch = {}): Promise<OpenRegistry> {
  const { onChange = () => {}, telemetry = [] } = watch;
  const backends = await openBackends(config, logger);
  const { database, storage, shared } = backends;
  const secrets = await secretsOf(config, logger).catch(async (error: unknown) => {
    await database.close();
    await backends.close();
    throw error;
  });
  const registry = createRegistry({
    ...{ database, storage, logger, telemetry, registration: config.registration, download: config.download },
    limits: { uploadBytes: config.maxUploadBytes, archive: { unpackedBytes: config.maxUnpackedBytes } },
    ...(shared.nonces === undefined ? {} : { nonces: shared.nonces }),
    ...secrets,
    ...eventsOf(config),
    hooks: { after: () => onChange() },
  });
  return {
    ...{ registry, backends },
    async migrate() {
      try {
        return await registry.migrate();
      } catch (error) {
        throw new Error(databaseReason(error, config), { cause: error });
      }
    },
    async close() {
      await registry.close();
      await backends.close();
    },
  };
}

async function secretsOf({ serverSecret, previousServerSecret, database }: Config, logger: Logger) {
  const previous = previousServerSecret === null ? {} : { previousServerSecret };
  if (serverSecret !== null) return { ...previous, serverSecret };
  if (database.kind !== "sqlite") throw new Error("SERVER_SECRET is needed");
  const { secret, file, isNew } = await keptSecret(dirname(database.path));
  logger.info({ file }, isNew ? "made a server secret, since SERVER_SECRET is not set" : "read the server secret");
  return { ...previous, serverSecret: secret };
}
